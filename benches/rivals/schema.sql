-- What a careful team would make: the stock is a row that is updated under a guard, and room is left in its page, so that
-- an update need not touch an index. There are no foreign keys: they would only make PostgreSQL slower here.
CREATE TABLE offerings (
    id bigint PRIMARY KEY,
    price bigint NOT NULL,
    capacity bigint NOT NULL,
    free bigint NOT NULL CHECK (free >= 0)
) WITH (fillfactor = 50);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    offering bigint NOT NULL,
    quantity bigint NOT NULL,
    amount bigint NOT NULL,
    card text NOT NULL,
    phase text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE TABLE payments (
    order_id bigint PRIMARY KEY,
    amount bigint NOT NULL,
    state text NOT NULL
);
