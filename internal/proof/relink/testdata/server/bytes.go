package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"container/heap"
	"container/list"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"hash/crc64"
	"hash/fnv"
	"hash/maphash"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"sort"
	"strings"
)

func init() {
	works["compress"] = compressWork
	works["archive"] = archiveWork
	works["hash"] = hashWork
	works["crypto"] = cryptoWork
	works["encoding"] = encodingWork
	works["image"] = imageWork
	works["sort"] = sortWork
}

// noise is bytes that compress a little.
func noise(n, size int) []byte {
	b := make([]byte, size)
	x := uint32(n*2654435761 + 1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x>>7) & 0x1f
	}
	return b
}

func compressWork(n int) string {
	data := noise(n, 9000)
	var sizes []int
	for _, f := range []struct {
		w func(io.Writer) io.WriteCloser
		r func(io.Reader) io.Reader
	}{
		{func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, func(r io.Reader) io.Reader { return must(gzip.NewReader(r)) }},
		{func(w io.Writer) io.WriteCloser { return must(flate.NewWriter(w, n%10)) }, func(r io.Reader) io.Reader { return flate.NewReader(r) }},
		{func(w io.Writer) io.WriteCloser { return must(zlib.NewWriterLevelDict(w, 9, data[:100])) }, func(r io.Reader) io.Reader { return must(zlib.NewReaderDict(r, data[:100])) }},
	} {
		var packed bytes.Buffer
		w := f.w(&packed)
		must(w.Write(data))
		must(0, w.Close())
		sizes = append(sizes, packed.Len())
		back := must(io.ReadAll(f.r(&packed)))
		check(bytes.Equal(back, data), "a packing does not come back")
	}
	_, err := io.ReadAll(bzip2.NewReader(strings.NewReader("BZh9 not")))
	return fmt.Sprint(sizes, err)
}

func archiveWork(n int) string {
	var zipped, tarred bytes.Buffer
	z, t := zip.NewWriter(&zipped), tar.NewWriter(&tarred)
	for i := range n%3 + 2 {
		data := noise(n+i, 100*i)
		must(must(z.Create(fmt.Sprintf("dir/%d", i))).Write(data))
		must(0, t.WriteHeader(&tar.Header{Name: fmt.Sprintf("t%d", i), Size: int64(len(data)), Mode: 0o644}))
		must(t.Write(data))
	}
	must(0, z.Close())
	must(0, t.Close())
	var names []string
	r := must(zip.NewReader(bytes.NewReader(zipped.Bytes()), int64(zipped.Len())))
	for i, f := range r.File {
		names = append(names, f.Name)
		check(bytes.Equal(must(io.ReadAll(must(f.Open()))), noise(n+i, 100*i)), "file %d of a zip", i)
	}
	for tr := tar.NewReader(&tarred); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		must(h, err)
		names = append(names, h.Name, fmt.Sprint(len(must(io.ReadAll(tr)))))
	}
	return fmt.Sprint(names)
}

func hashWork(n int) string {
	data := noise(n, 3000+n)
	var out []string
	for _, h := range []hash.Hash{
		md5.New(), sha1.New(), sha256.New(), sha256.New224(), sha512.New(), sha512.New512_256(), sha3.New256(), hmac.New(sha256.New, data[:33]),
		crc32.NewIEEE(), crc32.New(crc32.MakeTable(crc32.Castagnoli)), crc64.New(crc64.MakeTable(crc64.ECMA)), adler32.New(), fnv.New64a(), fnv.New128(),
	} {
		must(h.Write(data[:n%64+1]))
		must(h.Write(data[n%64+1:]))
		out = append(out, hex.EncodeToString(h.Sum(nil)))
	}
	var m maphash.Hash
	must(m.Write(data))
	check(m.Sum64() == maphash.Bytes(m.Seed(), data), "maphash")
	return strings.Join(out, " ")
}

func cryptoWork(n int) string {
	data := noise(n, 1000)
	key := sha256.Sum256(data)
	block := must(aes.NewCipher(key[:]))
	gcm := must(cipher.NewGCM(block))
	sealed := gcm.Seal(nil, key[:12], data, key[:5])
	check(bytes.Equal(must(gcm.Open(nil, key[:12], sealed, key[:5])), data), "GCM")
	sealed[n%len(sealed)] ^= 1
	_, err := gcm.Open(nil, key[:12], sealed, key[:5])
	check(err != nil, "GCM accepts a forgery")
	ctr := slices.Clone(data)
	cipher.NewCTR(block, key[:16]).XORKeyStream(ctr, ctr)
	cbc := slices.Clone(data[:960])
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(cbc, cbc)
	private := ed25519.NewKeyFromSeed(key[:])
	signature := ed25519.Sign(private, data)
	check(ed25519.Verify(private.Public().(ed25519.PublicKey), data, signature), "ed25519")
	curve := must(ecdh.X25519().NewPrivateKey(key[:]))
	other := must(ecdh.X25519().GenerateKey(rand.Reader))
	check(subtle.ConstantTimeCompare(must(curve.ECDH(other.PublicKey())), must(other.ECDH(curve.PublicKey()))) == 1, "X25519")
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	sum := sha256.Sum256(data)
	check(ecdsa.VerifyASN1(&p256.PublicKey, sum[:], must(ecdsa.SignASN1(rand.Reader, p256, sum[:]))), "ECDSA")
	return fmt.Sprintf("%x %x %x %x %x", sealed[:9], ctr[:9], cbc[900:], signature, curve.PublicKey().Bytes())
}

type shape interface{ Area() float64 }

type square struct{ Side float64 }

type circle struct{ R float64 }

func (s square) Area() float64  { return s.Side * s.Side }
func (c *circle) Area() float64 { return 3 * c.R * c.R }

func init() {
	gob.Register(square{})
	gob.Register(&circle{})
}

func encodingWork(n int) string {
	data := noise(n, 100+n)
	var stream bytes.Buffer
	in := map[string][]shape{"a": {square{float64(n)}, &circle{2}}, "b": nil}
	must(0, gob.NewEncoder(&stream).Encode(in))
	var out map[string][]shape
	must(0, gob.NewDecoder(&stream).Decode(&out))
	check(len(out) == 2 && out["a"][0] == in["a"][0] && out["a"][1].Area() == 12, "gob: %v", out)
	var record bytes.Buffer
	fixed := struct {
		A uint16
		B int64
		C [3]float32
	}{uint16(n), -int64(n), [3]float32{1, 2, float32(n)}}
	must(0, binary.Write(&record, binary.BigEndian, &fixed))
	back := fixed
	back.A = 0
	must(0, binary.Read(bytes.NewReader(record.Bytes()), binary.BigEndian, &back))
	check(back == fixed, "binary: %v", back)
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		check(bytes.Equal(must(e.DecodeString(e.EncodeToString(data))), data), "base64")
	}
	a85 := make([]byte, ascii85.MaxEncodedLen(len(data)))
	a85 = a85[:ascii85.Encode(a85, data)]
	text := pem.EncodeToMemory(&pem.Block{Type: "NOISE", Headers: map[string]string{"n": fmt.Sprint(n)}, Bytes: data})
	block, rest := pem.Decode(text)
	check(len(rest) == 0 && bytes.Equal(block.Bytes, data), "pem")
	return fmt.Sprint(record.Bytes(), base32.HexEncoding.EncodeToString(data[:20]), string(a85[:30]), string(text[:60]), hex.Dump(data[:20]))
}

func imageWork(n int) string {
	m := image.NewNRGBA(image.Rect(0, 0, 24+n, 16))
	for y := range 16 {
		for x := range 24 + n {
			m.Set(x, y, color.NRGBA{uint8(x * 9), uint8(y * 13), uint8(x * y), 255})
		}
	}
	var p, j, g bytes.Buffer
	must(0, png.Encode(&p, m))
	must(0, jpeg.Encode(&j, m, &jpeg.Options{Quality: 80}))
	must(0, gif.Encode(&g, m, nil))
	size := p.Len()
	back, kind, err := image.Decode(&p)
	must(back, err)
	check(color.NRGBAModel.Convert(back.At(5, 7)) == m.At(5, 7), "png: %v", back.At(5, 7))
	lossy := must(jpeg.Decode(bytes.NewReader(j.Bytes())))
	return fmt.Sprint(kind, size, j.Len(), crc32.ChecksumIEEE(j.Bytes()), crc32.ChecksumIEEE(g.Bytes()), lossy.At(3, 3))
}

type byLength []string

func (b byLength) Len() int { return len(b) }
func (b byLength) Less(i, j int) bool {
	return len(b[i]) < len(b[j]) || len(b[i]) == len(b[j]) && b[i] < b[j]
}
func (b byLength) Swap(i, j int) { b[i], b[j] = b[j], b[i] }
func (b *byLength) Push(x any)   { *b = append(*b, x.(string)) }
func (b *byLength) Pop() any {
	last := len(*b) - 1
	x := (*b)[last]
	*b = (*b)[:last]
	return x
}

func sortWork(n int) string {
	data := noise(n, 600)
	var words byLength
	for i := 0; i+10 < len(data); i += 7 {
		words = append(words, fmt.Sprintf("%x", data[i:i+1+int(data[i])%7]))
	}
	a, b, c := slices.Clone(words), slices.Clone(words), slices.Clone([]string(words))
	sort.Sort(a)
	sort.SliceStable(b, func(i, j int) bool { return b.Less(i, j) })
	slices.SortFunc(c, func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	check(slices.Equal(a, b) && slices.Equal(a, byLength(c)), "three ways to sort")
	h := slices.Clone(words)
	heap.Init(&h)
	l := list.New()
	for len(h) > 0 {
		l.PushBack(heap.Pop(&h))
	}
	i := 0
	for e := l.Front(); e != nil; e = e.Next() {
		check(e.Value == a[i], "heap: %d", i)
		i++
	}
	at, found := slices.BinarySearchFunc(a, words[n%len(words)], func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	ints := make([]int, len(data))
	for i, x := range data {
		ints[i] = int(x) * i % 97
	}
	sort.Ints(ints)
	return fmt.Sprint(len(a), a[0], a[len(a)-1], at, found, slices.Compact(ints))
}
