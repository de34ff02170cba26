// Command leaky serves the broken twin of the club on this machine, to be attacked. Its data is new with each start.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/merlon-web/merlon/examples/leaky/site"
)

func main() {
	folder, err := os.MkdirTemp("", "leaky")
	if err != nil {
		log.Fatal(err)
	}
	s, err := site.New(site.Config{Folder: folder, Log: os.Stderr})
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s (its data is in %s; Ctrl-C ends it)\n", l.Addr(), folder)
	for _, u := range site.Users {
		fmt.Printf("%-7s %s  %s\n", u.Role, u.Email, u.Password)
	}
	log.Fatal(http.Serve(l, s))
}
