// A driver for the plugin itself, so that tests can ask it: one command a line, one answer a line.
//
// Build it in one folder with storage.go, crypto.go and compression.go of github.com/pberkel/caddy-storage-redis, their
// package renamed to main (Go 1.19 with certmagic 0.17, go-redis 9.0 and redislock 0.9 will do):
//
//	go build -o peer . && CERTSTORE_CADDY_PLUGIN=$PWD/peer cargo test -p certstore-redis --test caddy -- --ignored
//
// Arguments: address, prefix, compression, encryption key.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	storage := New()
	storage.Address = []string{os.Args[1]}
	storage.KeyPrefix = os.Args[2]
	storage.Compression = CompressionMode(os.Args[3])
	storage.EncryptionKey = os.Args[4]
	if err := storage.initRedisClient(context.Background()); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		answer, err := do(storage, strings.Split(lines.Text(), " "))
		if err != nil {
			answer = "error " + err.Error()
		}
		fmt.Println(answer)
	}
}

func do(storage *RedisStorage, words []string) (string, error) {
	ctx := context.Background()
	switch words[0] {
	case "store":
		value, err := base64.StdEncoding.DecodeString(words[2])
		if err != nil {
			return "", err
		}
		return "ok", storage.Store(ctx, words[1], value)
	case "load":
		value, err := storage.Load(ctx, words[1])
		return base64.StdEncoding.EncodeToString(value), err
	case "delete":
		return "ok", storage.Delete(ctx, words[1])
	case "exists":
		return fmt.Sprint(storage.Exists(ctx, words[1])), nil
	case "list":
		keys, err := storage.List(ctx, strings.Trim(words[1], "."), words[2] == "recursive")
		return strings.Join(keys, " "), err
	case "stat":
		info, err := storage.Stat(ctx, words[1])
		return fmt.Sprint(info.Size, " ", info.Modified.UnixNano(), " ", info.IsTerminal), err
	case "repair":
		return "ok", storage.Repair(ctx, "")
	case "lock":
		return "ok", storage.Lock(ctx, words[1])
	case "trylock":
		soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		return "ok", storage.Lock(soon, words[1])
	case "unlock":
		return "ok", storage.Unlock(ctx, words[1])
	}
	return "", fmt.Errorf("unknown command")
}
