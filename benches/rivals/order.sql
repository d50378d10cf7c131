INSERT INTO orders (customer, offering, quantity, amount, card, phase) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, created_at
