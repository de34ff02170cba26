package cli

import (
	"log/slog"
	"time"
)

// silence is how long a command says nothing while it works.
const silence = 10 * time.Second

// goesOn says in the log that a command has not ended yet, again and again, until the function that it returns is called.
func goesOn(log *slog.Logger, command string) (end func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		began, tick := time.Now(), time.NewTicker(silence)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				log.Info("the command goes on", slog.String("command", command), slog.Duration("for", time.Since(began).Round(time.Second)))
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
