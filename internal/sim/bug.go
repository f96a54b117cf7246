package sim

// Bug is a mistake planted in the model of the runtime, to see that the checks find it.
type Bug uint8

// The mistakes. All but those marked ALO are for exactly once.
const (
	NoBug Bug = iota
	// CommitBeforeAck commits offsets without waiting until the outputs are written (ALO).
	CommitBeforeAck
	// OffsetsBeforeEnd commits the offsets by themselves, before the transaction ends.
	OffsetsBeforeEnd
	// StateBeforeEnd brings the writes of a commit into the local state before the transaction ends.
	StateBeforeEnd
	// LateWrite gives a revoked task back before its last commit is through.
	LateWrite
	// CheckpointAhead writes a store's position before its rows.
	CheckpointAhead
	// RestoreShort ends a restore one record before the end.
	RestoreShort
	// RestoreToStable ends a restore at the last stable offset: before what is still being committed.
	RestoreToStable
	// UnstableOffsets begins at committed offsets while a transaction that has newer ones is ending.
	UnstableOffsets
	// TrustTimeout takes a transaction whose end got no answer for committed.
	TrustTimeout
	// NoGeneration commits offsets without the membership's generation.
	NoGeneration
	// NoOffsets ends a transaction without offsets where no input has moved.
	NoOffsets
	// ReadUncommitted reads repartition topics beyond what is committed.
	ReadUncommitted
	// OldAcks counts acknowledgements of a client that was given up (as a position of the next one).
	OldAcks
	// KeepState goes on with a task's own state after its transaction was given up.
	KeepState
	// StandbyAhead lets a standby read a source topic beyond what has been processed.
	StandbyAhead
	// StandbyUncommitted lets a standby read beyond what is committed.
	StandbyUncommitted
	// StandbyGoesOn keeps a standby going when its task is promoted.
	StandbyGoesOn
	// NotHeld lets a task process on while a commit is under way that its local state will get.
	NotHeld
	// OneTransaction writes what is processed while a transaction is being committed into that one.
	OneTransaction

	bugs
)

var bugNames = [...]string{
	"none", "commit before acknowledgement", "offsets before the transaction's end", "state before the transaction's end",
	"late write of a revoked task", "checkpoint ahead of the state", "restore one record short", "restore to the last stable offset",
	"unstable offsets", "trust in a missing answer", "commit without generation", "transaction without offsets",
	"read uncommitted", "acknowledgements of an old client", "state kept after an abort",
	"standby ahead of what is processed", "standby reads uncommitted", "standby goes on when promoted",
	"task not held", "one transaction for two",
}

func (b Bug) String() string { return bugNames[b] }

// Bugs returns all planted mistakes.
func Bugs() []Bug {
	var all []Bug
	for b := NoBug + 1; b < bugs; b++ {
		all = append(all, b)
	}
	return all
}

// AtLeastOnce reports whether the mistake is one of runs without transactions.
func (b Bug) AtLeastOnce() bool { return b == CommitBeforeAck }
