package kafka

// byTopic collects partitions under their topics, which is how the protocol's requests want them: each topic
// once, in the order of its first partition. The zero value is ready to use.
type byTopic[T any] struct {
	list []T
	at   map[string]int
}

// of returns the request's part for a topic, which add makes when it is asked for first. It is valid until
// the next call.
func (b *byTopic[T]) of(topic string, add func() T) *T {
	i, ok := b.at[topic]
	if !ok {
		if b.at == nil {
			b.at = make(map[string]int)
		}
		i = len(b.list)
		b.at[topic] = i
		b.list = append(b.list, add())
	}
	return &b.list[i]
}
