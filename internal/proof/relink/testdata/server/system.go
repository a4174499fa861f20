package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

func init() {
	works["tls"] = tlsWork
	works["sockets"] = socketWork
	works["files"] = fileWork
	works["exec"] = execWork
	works["signal"] = signalWork
	works["form"] = formWork
}

var (
	tlsURL   string
	tlsRoots = x509.NewCertPool()
	tlsLong  *http.Client
)

// startTLS starts a second server, with a certificate of its own, HTTP/2 included.
func startTLS() {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relink"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	tlsRoots.AddCert(must(x509.ParseCertificate(der)))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := must(io.ReadAll(r.Body))
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, r.Proto, r.URL, len(body), r.TLS.Version == tls.VersionTLS13)
		w.Header().Set("X-Sum", fmt.Sprint(len(body)))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	tlsURL = s.URL
	tlsLong = tlsClient(true)
}

func tlsClient(http2 bool) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: tlsRoots}, ForceAttemptHTTP2: http2}}
}

func tlsWork(n int) string {
	short := tlsClient(n%2 == 0)
	defer short.CloseIdleConnections()
	var out []string
	for _, c := range []*http.Client{tlsLong, short} {
		r := must(c.Post(fmt.Sprintf("%s/x?n=%d", tlsURL, n), "text/plain", bytes.NewReader(noise(n, 5000+n))))
		out = append(out, r.Status, string(must(io.ReadAll(r.Body))), r.Trailer.Get("X-Sum"))
		r.Body.Close()
	}
	_, err := http.Get(tlsURL)
	check(err != nil && strings.Contains(err.Error(), "certificate"), "a certificate that nobody knows: %v", err)
	return strings.Join(out, " ")
}

func socketWork(n int) string {
	dir := must(os.MkdirTemp("", "relink"))
	defer os.RemoveAll(dir)
	var out []string
	for _, l := range []net.Listener{must(net.Listen("tcp", "127.0.0.1:0")), must(net.Listen("unix", filepath.Join(dir, "s")))} {
		var wg sync.WaitGroup
		wg.Go(func() {
			c := must(l.Accept())
			defer c.Close()
			for lines := bufio.NewScanner(c); lines.Scan(); {
				fmt.Fprintf(c, "%s, %s\n", lines.Text(), strings.ToUpper(lines.Text()))
			}
		})
		c := must(net.Dial(l.Addr().Network(), l.Addr().String()))
		r := bufio.NewReader(c)
		for i := range 5 {
			fmt.Fprintf(c, "line %d\n", i*n)
			out = append(out, strings.TrimSpace(must(r.ReadString('\n'))))
		}
		must(0, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
		_, err := r.ReadByte()
		timeout, ok := err.(net.Error)
		check(ok && timeout.Timeout(), "a deadline: %v", err)
		c.Close()
		wg.Wait()
		l.Close()
	}
	a, b := must(net.ListenPacket("udp", "127.0.0.1:0")), must(net.ListenPacket("udp", "127.0.0.1:0"))
	defer a.Close()
	defer b.Close()
	must(a.WriteTo(noise(n, 99), b.LocalAddr()))
	buffer := make([]byte, 200)
	k, from, err := b.ReadFrom(buffer)
	must(k, err)
	check(from.String() == a.LocalAddr().String(), "UDP from %v", from)
	prefix := netip.MustParsePrefix("10.1.0.0/16")
	client, server := net.Pipe()
	go func() { server.Write(buffer[:n+1]); server.Close() }()
	piped := must(io.ReadAll(client))
	addrs, err := net.DefaultResolver.LookupHost(context.Background(), "127.0.0.1")
	return fmt.Sprint(out, k, prefix.Contains(netip.MustParseAddr("10.1.2.3")), len(piped), addrs, err)
}

func fileWork(n int) string {
	dir := must(os.MkdirTemp("", "relink"))
	defer os.RemoveAll(dir)
	for i := range n + 2 {
		must(0, os.MkdirAll(filepath.Join(dir, "a", fmt.Sprint(i)), 0o755))
		must(0, os.WriteFile(filepath.Join(dir, "a", fmt.Sprint(i), "f"), noise(i, 1000*i), 0o644))
	}
	var names []string
	must(0, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		info := must(d.Info())
		rel := must(filepath.Rel(dir, path))
		if !d.IsDir() {
			names = append(names, fmt.Sprint(rel, info.Size(), info.Mode()))
		}
		return err
	}))
	f := must(os.Create(filepath.Join(dir, "g")))
	w := bufio.NewWriter(f)
	for i := range 300 {
		fmt.Fprintln(w, i)
	}
	must(0, w.Flush())
	must(f.Seek(10, io.SeekStart))
	part := make([]byte, 9)
	must(io.ReadFull(f, part))
	f.Close()
	_, err := os.Open(filepath.Join(dir, "none"))
	check(os.IsNotExist(err), "%v", err)
	r, p := must2(os.Pipe())
	go func() { io.Copy(p, strings.NewReader(strings.Repeat("pipe", n+1))); p.Close() }()
	piped := must(io.ReadAll(r))
	r.Close()
	matches := must(filepath.Glob(filepath.Join(dir, "a", "*", "f")))
	return fmt.Sprint(names, string(part), string(piped), len(matches))
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func execWork(n int) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, must(os.Executable()), "child", fmt.Sprint(n))
	cmd.Env = []string{"GOGC=100"}
	out := must(cmd.Output())
	_, err := exec.LookPath("no such program")
	return fmt.Sprint(string(out), cmd.ProcessState.ExitCode(), err)
}

var signals sync.Mutex

func signalWork(n int) string {
	signals.Lock()
	defer signals.Unlock()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	must(0, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	return fmt.Sprint(<-c)
}

func formWork(n int) string {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	must(0, w.SetBoundary("relink"))
	must(0, w.WriteField("n", fmt.Sprint(n)))
	must(must(w.CreateFormFile("file", "noise")).Write(noise(n, 700)))
	must(0, w.Close())
	r := httptest.NewRequest("POST", "/form", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "c", Value: fmt.Sprint("v", n)})
	recorder := httptest.NewRecorder()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{name}", func(w http.ResponseWriter, r *http.Request) {
		file, header, err := r.FormFile("file")
		must(file, err)
		http.SetCookie(w, &http.Cookie{Name: "d", Value: r.PathValue("name"), MaxAge: n + 1})
		fmt.Fprint(w, r.FormValue("n"), header.Filename, header.Size, len(must(io.ReadAll(file))), must(r.Cookie("c")).Value)
	})
	mux.ServeHTTP(recorder, r)
	return fmt.Sprint(recorder.Code, recorder.Body, recorder.Header()["Set-Cookie"])
}
