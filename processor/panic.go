package processor

import (
	"fmt"
	"runtime/debug"
)

// PanicError is a panic in user code. Stack is that of the goroutine when it panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Panicked makes an error of what recover returned. It is called in the deferred function that recovered.
func Panicked(value any) error { return &PanicError{Value: value, Stack: debug.Stack()} }
