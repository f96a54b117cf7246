package changelog_test

import (
	"strings"
	"testing"

	"github.com/leatstream/leat/changelog"
)

func TestNames(t *testing.T) {
	if got := changelog.Topic("app", "counts"); got != "app-counts-changelog" {
		t.Errorf("Topic = %q", got)
	}
	if got := changelog.Repartition("app", "by-word"); got != "app-by-word-repartition" {
		t.Errorf("Repartition = %q", got)
	}
}

func TestValidateTopic(t *testing.T) {
	for _, ok := range []string{"a", "A.b_c-9", "...", strings.Repeat("x", 249)} {
		if err := changelog.ValidateTopic(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for name, want := range map[string]string{
		"":                       "is empty",
		".":                      "does not allow",
		"..":                     "does not allow",
		strings.Repeat("x", 250): "250 bytes long, Kafka takes 249",
		"a b":                    `' ' is not allowed`,
		"größe":                  `'ö' is not allowed`,
		"a\xff":                  "is not allowed",
		"a/b":                    `'/' is not allowed`,
	} {
		if err := changelog.ValidateTopic(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

func TestValidateApp(t *testing.T) {
	if err := changelog.ValidateApp("word-count", []string{"counts"}, []string{"by-word"}); err != nil {
		t.Error(err)
	}
	// "-" + store + "-changelog" takes 11 bytes more than the two names.
	store := strings.Repeat("s", 200)
	if err := changelog.ValidateApp(strings.Repeat("a", 38), []string{store}, nil); err != nil {
		t.Errorf("249 bytes: %v", err)
	}
	err := changelog.ValidateApp(strings.Repeat("a", 40), []string{"x", store}, []string{"short"})
	if err == nil || !strings.Contains(err.Error(), store+"-changelog") || !strings.Contains(err.Error(), "by 2") {
		t.Errorf("251 bytes: %v, want the longest name and by how much", err)
	}
	err = changelog.ValidateApp("my app", []string{"a/b", ""}, []string{"c:d"})
	for _, want := range []string{`application id "my app"`, `store "a/b"`, "store name: is empty", `repartition "c:d"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %s is missing", err, want)
		}
	}
	if err := changelog.ValidateApp("", nil, nil); err == nil {
		t.Error("empty application id is accepted")
	}
}
