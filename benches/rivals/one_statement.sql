-- A whole order in one statement; no row when there is not enough left.
WITH taken AS (
    UPDATE offerings SET free = free - $2 WHERE id = $1 AND free >= $2 RETURNING price
), ordered AS (
    INSERT INTO orders (customer, offering, quantity, amount, card, phase)
    SELECT $3, $1, $2, price * $2, $4, 'confirmed' FROM taken
    RETURNING id, amount, created_at
), paid AS (
    INSERT INTO payments (order_id, amount, state) SELECT id, amount, 'captured' FROM ordered
)
SELECT id, amount, created_at FROM ordered
