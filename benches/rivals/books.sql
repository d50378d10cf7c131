-- Units of confirmed orders, units taken from the offerings, payments.
SELECT
    (SELECT coalesce(sum(quantity), 0)::bigint FROM orders WHERE phase = 'confirmed'),
    (SELECT coalesce(sum(capacity - free), 0)::bigint FROM offerings),
    (SELECT count(*) FROM payments)
