// A server that speaks MongoDB's wire protocol, for tests: FerretDB, with SQLite in memory. Its argument is the address to listen on.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: ferretdb ADDRESS:PORT")
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: arguments[0]},
		Handler:   "sqlite",
		SQLiteURL: "file:./?mode=memory",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	// The port is bound by now: whoever reads this line may connect, also where port 0 asked for any.
	fmt.Println(server.MongoDBURI())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return server.Run(ctx)
}
