UPDATE orders SET phase = 'confirmed' WHERE id = $1
