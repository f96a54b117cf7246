package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

func TestSASL(t *testing.T) {
	for _, m := range []Mechanism{Plain, ScramSHA256, ScramSHA512} {
		t.Run(string(m), func(t *testing.T) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(string(m), "user", "right"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			cfg := Config{Brokers: c.ListenAddrs(), AllowPlaintextSASL: true, ConnectTimeout: 5 * time.Second, SASL: &SASL{Mechanism: m, User: "user", Password: "right"}}
			a, err := Connect(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			a.Close()
			cfg.SASL = &SASL{Mechanism: m, User: "user", Password: "wr0ng-secret"}
			// This broker just hangs up; Kafka says why.
			c.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
				resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
				return resp, nil, true
			})
			begin := time.Now()
			_, err = Connect(t.Context(), cfg)
			wantKind(t, err, Unauthorized, "user and password")
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, cfg.SASL, cfg.SASL), "wr0ng-secret") {
				t.Error("the password shows")
			}
			if time.Since(begin) > 2*time.Second {
				t.Error("wrong credentials are tried again")
			}
		})
	}
}

func TestOAuthAsksForAToken(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = Connect(t.Context(), Config{Brokers: c.ListenAddrs(), AllowPlaintextSASL: true, ConnectTimeout: time.Second, SASL: &SASL{
		Mechanism: OAuthBearer, Token: func(context.Context) (string, error) { return "", errors.New("the token service is down") },
	}})
	if err == nil {
		t.Fatal("connected")
	}
	asked := false
	s := SASL{Mechanism: OAuthBearer, Token: func(context.Context) (string, error) { asked = true; return "tok", nil }}
	_, first, err := s.mechanism().Authenticate(t.Context(), "host")
	if err != nil || !asked || !strings.Contains(string(first), "auth=Bearer tok") {
		t.Errorf("asked %v, %q, %v", asked, first, err)
	}
}

// certificate makes one for 127.0.0.1 and a pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := Config{Brokers: c.ListenAddrs(), ConnectTimeout: time.Second, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10}}
	a, err := Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	if cfg.TLS.MinVersion != tls.VersionTLS10 {
		t.Error("the caller's tls.Config was changed")
	}
	cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	if _, err = Connect(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	cfg.TLS = nil
	_, err = Connect(t.Context(), cfg)
	wantKind(t, err, Unreachable, "TLS")
}

// TestConnectKeepsTheReason: what went wrong at first says more than that time ran out later.
func TestConnectKeepsTheReason(t *testing.T) {
	var dials atomic.Int32
	_, err := Connect(t.Context(), Config{
		Brokers: []string{"broker:9092"}, ConnectTimeout: time.Second,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				return nil, errors.New("the reason")
			}
			return nil, os.ErrDeadlineExceeded
		},
	})
	wantKind(t, err, Unreachable, "the reason")
	if dials.Load() < 2 {
		t.Errorf("%d dials, want more than one", dials.Load())
	}
}

func TestMissingPermissionsNameWhatIsMissing(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "secret", "seen"),
		kfake.Superuser("PLAIN", "root", "r"),
		kfake.User("PLAIN", "app", "a",
			kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "seen", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe, Allow: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := Config{Brokers: c.ListenAddrs(), AllowPlaintextSASL: true, SASL: &SASL{Mechanism: Plain, User: "app", Password: "a"}, RequestTimeout: 3 * time.Second}
	a, err := Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	cl, err := NewClient(cfg, ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	_, err = a.Topics(t.Context(), "secret")
	wantKind(t, err, Unauthorized, `"secret"`)
	wantKind(t, a.CreateTopics(t.Context(), TopicSpec{Name: "app-x", Partitions: 1}), Unauthorized, "app-x")
	_, err = a.TopicConfigs(t.Context(), "seen")
	wantKind(t, err, Unauthorized, "seen")
	wantKind(t, a.DeleteRecords(t.Context(), map[record.TopicPartition]int64{tp("seen", 0): 0}), Unauthorized, "seen")
	_, err = a.GroupOffsets(t.Context(), "app", true)
	wantKind(t, err, Unauthorized, "READ on the group")
	_, _, err = produce(t, cl, Output{Topic: "seen", Value: []byte("x")})
	wantKind(t, err, Unauthorized, `"seen"`)
	cl.Assign(map[record.TopicPartition]int64{tp("seen", 0): 0, tp("secret", 0): 0})
	failed := map[string]error{}
	collect(t, cl, func(fs []Fetch) bool {
		for _, f := range fs {
			if f.Err != nil {
				failed[f.Topic] = f.Err
			}
		}
		return len(failed) == 2
	})
	wantKind(t, failed["seen"], Unauthorized, "seen[0]")
	wantKind(t, failed["secret"], Unauthorized, "secret[0]")
	p := newPlayer("m", newBoard())
	m, err := Join(cfg, MemberConfig{Group: "app", Topics: []string{"seen"}, Assignor: &spread{}, Handler: p})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "told", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.failed) > 0 })
	p.mu.Lock()
	wantKind(t, p.failed[0], Unauthorized, "READ on the group")
	p.mu.Unlock()
	m.Close(t.Context(), true)
}

// Both sides show certificates.
func TestMutualTLS(t *testing.T) {
	server, serverPool := certificate(t)
	mine, minePool := certificate(t)
	theirs, _ := certificate(t)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{server}, ClientCAs: minePool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	connect := func(certs ...tls.Certificate) error {
		a, err := Connect(t.Context(), Config{
			Brokers: c.ListenAddrs(), ConnectTimeout: time.Second, TLS: &tls.Config{RootCAs: serverPool, Certificates: certs},
		})
		if err == nil {
			a.Close()
		}
		return err
	}
	if err := connect(mine); err != nil {
		t.Error(err)
	}
	for name, certs := range map[string][]tls.Certificate{"none": nil, "one that nobody trusts": {theirs}} {
		begin := time.Now()
		err := connect(certs...)
		if err == nil || !strings.Contains(err.Error(), "certificate") || !strings.Contains(err.Error(), "check") {
			t.Errorf("certificate: %s: error %v", name, err)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("certificate: %s: took %v", name, d)
		}
	}
}
