-- Features at every landmark. A landmark before which nothing new became known has predictions and no
-- row of features: those of the last landmark with a row hold, under names of the later one.

CREATE OR REPLACE VIEW v_features
(
    app_id String COMMENT 'App that was installed.',
    install_id String COMMENT 'Install that is described.',
    landmark String COMMENT 'Age of the install at which its features were frozen.',
    landmark_time DateTime64(3, 'UTC') COMMENT 'When the install reached that age.',
    features Map(String, Float64) COMMENT 'Values of the features by name.',
    frozen_at String COMMENT 'Landmark whose row has these values: an earlier one where nothing new became known since.'
)
AS SELECT app_id, install_id, landmark, landmark_time,
    mapApply
    (
        (k, v) -> (
            if(k LIKE 'active@%',
                concat('active@', landmark, substring(k, length('active@') + length(frozen_at) + 1)),
                if(match(k, '^(sessions@|events@|event:)'),
                    concat(substring(k, 1, length(k) - length(frozen_at)), landmark), k)),
            v),
        if(landmark = frozen_at, stored,
            mapConcat(
                mapFilter((k, v) -> NOT match(k, '^new_(sessions@|event:)'), stored),
                if(frozen_at = 'install',
                    map('sessions@install', 0., 'events@install', 0., 'active@install=0', 1.),
                    CAST(map(), 'Map(String, Float64)'))))
    ) AS features,
    frozen_at
FROM
(
    SELECT app_id, install_id, mark.1 AS landmark_time, mark.2 AS landmark,
        source.2 AS frozen_at, source.3 AS stored
    FROM
    (
        SELECT app_id, install_id,
            arraySort(m -> m.1, groupArray((reached_at, landmark, stored, is_stored))) AS marks,
            arrayFill(m -> m.4, marks) AS sources
        FROM
        (
            SELECT toString(app_id) AS app_id, install_id, toString(landmark) AS landmark,
                min(landmark_time) AS reached_at,
                argMinIf(named, position, has_features) AS stored, max(has_features) AS is_stored
            FROM
            (
                SELECT app_id, install_id, landmark, landmark_time,
                    CAST(features, 'Map(String, Float64)') AS named,
                    (toString(log_epoch), log_offset) AS position, true AS has_features
                FROM features
                UNION ALL
                SELECT app_id, install_id, landmark, landmark_time,
                    CAST(map(), 'Map(String, Float64)'), ('', 0), false
                FROM predictions
            )
            GROUP BY app_id, install_id, landmark
        )
        GROUP BY app_id, install_id
    )
    ARRAY JOIN marks AS mark, sources AS source
    WHERE source.4
)
COMMENT 'Features of every install at every landmark that it has reached.';
