// The webhook that tutorials deploy: net/http and encoding/json, and an answer
// that asks nobody. It speaks HTTP/2 and HTTP/1.1, as net/http does by itself.
//
// usage: webhook PORT CERT KEY
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

type userInfo struct {
	Username string              `json:"username,omitempty"`
	UID      string              `json:"uid,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Extra    map[string][]string `json:"extra,omitempty"`
}

type tokenReview struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Spec       tokenReviewSpec   `json:"spec"`
	Status     tokenReviewStatus `json:"status"`
}

type tokenReviewSpec struct {
	Token     string   `json:"token,omitempty"`
	Audiences []string `json:"audiences,omitempty"`
}

type tokenReviewStatus struct {
	Authenticated bool      `json:"authenticated"`
	User          *userInfo `json:"user,omitempty"`
}

var robin = &userInfo{
	Username: "robin",
	UID:      "1001",
	Groups:   []string{"developers", "platform"},
	Extra:    map[string][]string{"example.com/team": {"platform"}},
}

func authenticate(w http.ResponseWriter, r *http.Request) {
	var review tokenReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Spec = tokenReviewSpec{}
	review.Status = tokenReviewStatus{Authenticated: true, User: robin}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(review); err != nil {
		log.Println(err)
	}
}

func main() {
	port, certFile, keyFile := os.Args[1], os.Args[2], os.Args[3]
	http.HandleFunc("/authenticate", authenticate)
	log.Fatal(http.ListenAndServeTLS("127.0.0.1:"+port, certFile, keyFile, nil))
}
