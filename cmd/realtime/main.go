// Command realtime changes the functions of a Go program while it runs.
package main

func main() {}
