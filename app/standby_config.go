package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/leatstream/leat/assign"
)

// Limits of Kafka Streams; what is longer is more likely a mistake than a place.
const (
	maxTagName  = 20
	maxTagValue = 30
)

// validateTags reports what is wrong with the settings that say where standbys go.
func (c *Config) validateTags() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("config: "+format, args...)) }
	if c.Standbys > assign.MaxStandbys {
		bad("Standbys is %d; more than %d copies of a state are not supported", c.Standbys, assign.MaxStandbys)
	}
	if len(c.Tags) > assign.MaxTags {
		bad("Tags has %d entries, %d are allowed", len(c.Tags), assign.MaxTags)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		if value := c.Tags[name]; name == "" || value == "" || len(name) > maxTagName || len(value) > maxTagValue {
			bad("tag %q with value %q: a tag has a name of 1 to %d bytes and a value of 1 to %d", name, value, maxTagName, maxTagValue)
		}
	}
	for i, name := range c.RackTags {
		if _, ok := c.Tags[name]; !ok {
			bad("RackTags names %q, which is not among Tags; set it in Tags", name)
		}
		if slices.Contains(c.RackTags[:i], name) {
			bad("RackTags names %q twice", name)
		}
	}
	return errs
}
