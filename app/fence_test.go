package app

import "testing"

// An application's id may begin with another's. Its transactions are nobody else's to end.
func TestProcessOfATransactionalID(t *testing.T) {
	const process = "MFRGGZDFMZTWQ2LKNNWG23TP"
	for id, want := range map[string]string{
		transactionalID("orders", process, 3):    process,
		transactionalID("orders-v2", process, 0): "",
		transactionalID("order", process, 0):     "",
		"orders-":                                "", "orders-3": "", "orders--3": "",
	} {
		if got, ok := processOf("orders-", id); got != want || ok != (want != "") {
			t.Errorf("processOf(%q) = %q %v, want %q", id, got, ok, want)
		}
	}
	if p := newProcess(); p == "" || len(p) != 32 {
		t.Errorf("newProcess() = %q", p)
	}
}
