package kafka

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Refusal tells whether the error of an output says that the broker will not take it however often it is sent,
// though others may well be taken: because of its size, contents, time or partition, or, if whole is true,
// because nothing can be written to its topic.
//
// A batch is taken or refused as a whole. Without whole, the cause may be another record of the same batch.
func Refusal(err error) (whole, ok bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Op != "produce" {
		return false, false
	}
	switch {
	case e.Kind == TooLarge, e.Kind == Refused, e.noPartition:
		return false, true
	case e.Kind == UnknownTopic, errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.InvalidTopicException):
		return true, true
	case errors.Is(err, kerr.PolicyViolation):
		return false, true
	default:
		return false, false
	}
}

// CauseOf returns the Cause of the output that an error is about; ok is false if it had none.
func CauseOf(err error) (c Cause, ok bool) {
	e, is := errors.AsType[*Error](err)
	if !is || e.Cause == (Cause{}) {
		return Cause{}, false
	}
	return e.Cause, true
}
