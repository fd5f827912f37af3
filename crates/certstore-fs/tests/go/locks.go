// locks obeys one command per line of its input with the locks of CertMagic's FileStorage, and answers each with a
// line that starts with "@".
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
)

func main() {
	storage := &certmagic.FileStorage{Path: os.Args[1]}
	name := os.Args[2]
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		command := strings.Fields(input.Text())
		var err error
		switch command[0] {
		case "lock":
			err = storage.Lock(context.Background(), name)
		case "unlock":
			err = storage.Unlock(context.Background(), name)
		case "rounds":
			err = rounds(storage, name, command[1], command[2])
		default:
			err = fmt.Errorf("unknown command %q", command[0])
		}
		if err != nil {
			fmt.Println("@error", err)
		} else {
			fmt.Println("@ok")
		}
	}
}

// rounds locks and unlocks count times, and appends to the log when it enters and leaves.
func rounds(storage *certmagic.FileStorage, name, count, path string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	for i := 0; i < n; i++ {
		if err := storage.Lock(context.Background(), name); err != nil {
			return err
		}
		fmt.Fprintf(log, "enter %d 0\n", os.Getpid())
		time.Sleep(5 * time.Millisecond)
		fmt.Fprintf(log, "exit %d 0\n", os.Getpid())
		if err := storage.Unlock(context.Background(), name); err != nil {
			return err
		}
	}
	return nil
}
