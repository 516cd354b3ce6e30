"""The sentences about finished tiles: is there one of the present revision, keep one, make room."""

from __future__ import annotations

#: The revision of the place and of the layer; then the finished tile, if there is one of that revision (its body
#: stays behind when the reader knows its ETag), else `{expected}`: how many features to draw.
PROBE = """
SELECT r.place, r.layer, s.etag, CASE WHEN s.etag = ANY(%(known)s) THEN NULL ELSE s.body END,
       CASE WHEN s.etag IS NULL THEN ({expected}) END
  FROM (SELECT coalesce(sum(weight), 0)::bigint AS layer, coalesce(sum(weight) FILTER (WHERE cell_x IS NULL OR
                 cell_x BETWEEN %(cx0)s AND %(cx1)s AND cell_y BETWEEN %(cy0)s AND %(cy1)s), 0)::bigint AS place
          FROM gisapp.layer_changes WHERE layer = %(layer)s) AS r
  LEFT JOIN gisapp.stored_tiles AS s ON s.variant = %(variant)s
        AND s.z = %(z)s AND s.x = %(x)s AND s.y = %(y)s AND s.revision = r.place
"""

#: The same, but nothing at all unless {proof} gives a row.
PROVEN = "SELECT found.* FROM ({proof}) AS who CROSS JOIN LATERAL ({probe}) AS found"

STORE = """
INSERT INTO gisapp.stored_tiles AS s (variant, z, x, y, revision, stored_at, bytes, etag, body)
VALUES (%(variant)s, %(z)s, %(x)s, %(y)s, %(revision)s, now(), %(bytes)s, %(etag)s, %(body)s)
ON CONFLICT (variant, z, x, y) DO UPDATE
   SET (revision, stored_at, bytes, etag, body)
     = (excluded.revision, excluded.stored_at, excluded.bytes, excluded.etag, excluded.body)
 WHERE s.revision <= excluded.revision
"""

#: Drops the oldest quarter once all finished tiles together pass %(limit)s bytes.
EVICT = """
WITH size AS (SELECT coalesce(sum(bytes), 0) AS total, count(*) / 4 AS quarter FROM gisapp.stored_tiles)
DELETE FROM gisapp.stored_tiles
 WHERE (SELECT total FROM size) > %(limit)s
   AND stored_at <= (SELECT stored_at FROM gisapp.stored_tiles ORDER BY stored_at
                     OFFSET (SELECT quarter FROM size) LIMIT 1)
"""

COMPACT = "SELECT gisapp.compact_tiles()"
