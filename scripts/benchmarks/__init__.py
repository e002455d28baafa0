"""What `scripts/bench` runs: a raw RESP client, servers, measures and the page, shared by the
sections `json`, `bloom` and `timeseries`, each of which has its data, its commands, its targets and its texts."""
