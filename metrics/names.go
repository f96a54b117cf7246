package metrics

import "github.com/prometheus/client_golang/prometheus"

const namespace = "leat"

var descriptions []*prometheus.Desc

func describe(subsystem, name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, append([]string{"app"}, labels...), nil)
	descriptions = append(descriptions, d)
	return d
}

var (
	appInstances = describe("app", "instances", "Instances of the application in this process that are in a state.", "state")
	appCommit    = describe("app", "commit_duration_seconds", "Time that commits took, from the flush of the stores to the local state's batch.")

	taskState    = describe("task", "state", "1 for the state that the task is in, 0 for the others.", "task", "state")
	taskIn       = describe("task", "records_in_total", "Records that the task has processed, skipped ones included.", "task")
	taskOut      = describe("task", "records_out_total", "Records that the task has produced, by topic, changelogs and repartition topics included.", "task", "topic")
	taskDropped  = describe("task", "dropped_records_total", "Records that were left out, by the node that did and the reason why.", "task", "node", "reason")
	taskAbsorbed = describe("task", "absorbed_updates_total", "Updates of tables that the record cache did not send on, because a later one of the same key came before the commit.", "task")
	taskProcess  = describe("task", "process_duration_seconds", "Time that the task's turns took; a turn processes up to 512 records.", "task")
	taskLag      = describe("task", "lag_records", "Records of an input that are on the broker and have not been fetched, as of the last fetch.", "task", "topic", "partition")

	storeKeys    = describe("store", "keys", "Keys in a task's store as of the last commit that reached the local state. Absent where it is not known.", "task", "store")
	storeBytes   = describe("store", "size_bytes", "Size of a task's store as of the last commit that reached the local state.", "task", "store")
	storePending = describe("store", "pending_bytes", "Size of a store's writes that wait for a commit.", "task", "store")

	restoreRemaining = describe("restore", "remaining_offsets", "Offsets of a store's changelog still to be restored.", "task", "store")
	restoreRecords   = describe("restore", "records_total", "Change records restored into a store.", "task", "store")
	restoreRate      = describe("restore", "records_per_second", "Speed of a store's last restore.", "task", "store")
)
