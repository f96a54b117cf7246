package main

// registered is a customer with its key.
type registered struct {
	key string
	customer
}

// shopCustomers are the customers of the shop, in the order in which they are shown.
var shopCustomers = []registered{
	{"ada", customer{"Ada Lovelace", "London"}},
	{"blaise", customer{"Blaise Pascal", "Paris"}},
	{"charles", customer{"Charles Babbage", "London"}},
	{"dorothy", customer{"Dorothy Vaughan", "Hampton"}},
	{"edsger", customer{"Edsger Dijkstra", "Rotterdam"}},
	{"frances", customer{"Frances Allen", "Peru"}},
	{"grace", customer{"Grace Hopper", "New York"}},
	{"hedy", customer{"Hedy Lamarr", "Vienna"}},
	{"ivan", customer{"Ivan Sutherland", "Hastings"}},
	{"joan", customer{"Joan Clarke", "London"}},
}
