package topology

import (
	"errors"
	"fmt"
)

// CheckNames reports every store and repartition topic that has a generated name, each with the file and line that
// made it; nil if there is none. Generated names hold the number of the call that made them: an operator that is
// added or removed before it gives the next version of the program another store and other internal topics, and
// leaves the state and the records of the old ones behind.
//
// Source: KIP-1111.
func (t *Topology) CheckNames() error {
	var errs []error
	for _, s := range t.Subtopologies {
		for _, st := range s.Stores {
			if st.Generated {
				errs = append(errs, st.unnamed())
			}
		}
		for _, r := range s.Repartitions {
			if r.Generated {
				errs = append(errs, fmt.Errorf("%s: repartition topic %q has a generated name, which shifts when the program changes; name the operator that makes it (Named), or its store", r.Caller, r.Topic.Name))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Store) unnamed() error {
	and := ""
	if topic, ok := s.Changelog(); ok && topic.Internal {
		and = fmt.Sprintf(" and its changelog %q", topic.Name)
	}
	return fmt.Errorf("%s: store %q%s: the name is generated and shifts when the program changes; name the store", s.Caller, s.Name, and)
}
