-- The guarded update: no row when there is not enough left.
UPDATE offerings SET free = free - $2 WHERE id = $1 AND free >= $2 RETURNING price * $2
