-- Orders that took units and were never confirmed.
SELECT id FROM orders WHERE phase = 'reserved'
