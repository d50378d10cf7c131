INSERT INTO payments (order_id, amount, state) VALUES ($1, $2, 'captured')
