package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Mechanism is a way to authenticate.
type Mechanism string

// The mechanisms that leat knows, by their registered names.
const (
	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
	OAuthBearer Mechanism = "OAUTHBEARER"
)

// SASL says how to authenticate. Its String does not show secrets.
type SASL struct {
	Mechanism Mechanism
	// User and Password are for Plain and Scram….
	User, Password string
	// Token returns a bearer token, for OAuthBearer. It is called for each connection and whenever the
	// session's lifetime ends, from several goroutines.
	Token func(context.Context) (string, error)
}

// String names the mechanism and the user, never the password.
func (s *SASL) String() string { return fmt.Sprintf("%s user %q", s.Mechanism, s.User) }

// GoString is String, so that %#v shows no secret either.
func (s *SASL) GoString() string { return s.String() }

func (s *SASL) validate() error {
	switch s.Mechanism {
	case Plain, ScramSHA256, ScramSHA512:
		if s.User == "" || s.Password == "" {
			return fmt.Errorf("%s needs a user and a password", s.Mechanism)
		}
		return nil
	case OAuthBearer:
		if s.Token == nil {
			return errors.New("OAUTHBEARER needs a token function")
		}
		return nil
	default:
		return fmt.Errorf("unknown mechanism %q; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", s.Mechanism)
	}
}

func (s *SASL) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case Plain:
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()
	case ScramSHA256:
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()
	case ScramSHA512:
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism()
	default:
		return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			token, err := s.Token(ctx)
			return oauth.Auth{Token: token}, err
		})
	}
}
