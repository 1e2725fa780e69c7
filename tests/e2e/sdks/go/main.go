// A net/http server with sentry-go: main PORT DSN RELEASE.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/getsentry/sentry-go"
	sentryhttp "github.com/getsentry/sentry-go/http"
)

type OutOfStock struct{ What string }

func (e *OutOfStock) Error() string { return "nothing left in " + e.What }

func take(way string) {
	shelf := fmt.Sprintf("shelf 1234567 at %p", new(int))
	if way == "1" {
		panic(&OutOfStock{shelf})
	}

	// Further down, the same.
	panic(&OutOfStock{shelf})
}

func buy(w http.ResponseWriter, r *http.Request) { take(r.URL.Query().Get("way")) }

func identify(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if hub := sentry.GetHubFromContext(r.Context()); hub != nil {
			hub.Scope().SetUser(sentry.User{ID: "u-42", Email: "ann@example.com"})
			hub.Scope().SetTag("request_id", r.Header.Get("X-Request-Id"))
		}
		next(w, r)
	}
}

func main() {
	port, dsn, release := os.Args[1], os.Args[2], os.Args[3]
	err := sentry.Init(sentry.ClientOptions{
		Dsn: dsn, Release: release, Environment: "staging", IgnoreErrors: []string{"gone"}, AttachStacktrace: true,
		BeforeSend: func(event *sentry.Event, hint *sentry.EventHint) *sentry.Event {
			if strings.Contains(fmt.Sprint(hint.OriginalException, hint.RecoveredException), "expected") {
				return nil
			}
			return event
		},
	})
	if err != nil {
		panic(err)
	}
	handler := sentryhttp.New(sentryhttp.Options{})
	for path, handle := range map[string]http.HandlerFunc{
		"/healthz":  func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") },
		"/buy":      buy,
		"/gone":     func(w http.ResponseWriter, r *http.Request) { panic(fmt.Errorf("this page is gone")) },
		"/expected": func(w http.ResponseWriter, r *http.Request) { panic(fmt.Errorf("expected, too")) },
	} {
		http.HandleFunc(path, handler.HandleFunc(identify(handle)))
	}
	panic(http.ListenAndServe("127.0.0.1:"+port, nil))
}
