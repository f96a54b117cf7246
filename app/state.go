package app

// State is the state of an application's instance.
type State uint8

const (
	// Created: Run has not been called.
	Created State = iota
	// Rebalancing: the instance is joining, or some of its tasks are being restored.
	Rebalancing
	// Running: every task that the instance has is processing.
	Running
	// Closing: Run is committing and leaving the group.
	Closing
	// Closed: Run has returned without an error.
	Closed
	// Error: Run has returned with an error, or is about to.
	Error
)

var stateNames = [...]string{"created", "rebalancing", "running", "closing", "closed", "error"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// follows reports whether a state may come after another.
func (s State) follows(from State) bool {
	switch s {
	case Rebalancing:
		return from == Created || from == Running
	case Running:
		return from == Rebalancing
	case Closing:
		return from == Created || from == Rebalancing || from == Running
	case Closed:
		return from == Closing
	case Error:
		return from != Closed && from != Error
	default:
		return false
	}
}
