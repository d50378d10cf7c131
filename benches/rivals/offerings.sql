-- $1 offerings with $2 seats each.
INSERT INTO offerings (id, price, capacity, free)
SELECT number, 1000, $2, $2 FROM generate_series(1::bigint, $1) AS number
