-- Multi-touch attribution: how credit is divided when several touchpoints have a part in it.

-- One row per install and method, by the highest revision.
CREATE OR REPLACE VIEW v_credits
(
    conversion_id String COMMENT 'Conversion whose credit is divided: the install.',
    install_id String COMMENT 'Install of the conversion.',
    app_id String COMMENT 'App that was installed.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    version Int64 COMMENT 'Version of the decision at that time.',
    method String COMMENT 'first, last, linear, time_decay, position, markov, shapley or hazard.',
    model_version String COMMENT 'Version of the credit model behind the method; empty when the method needs none.',
    shares Map(String, Float64) COMMENT 'Share by channel; organic is one of the channels.'
)
AS SELECT conversion_id, install_id, app_id, install_time, version, told.1 AS method,
    if(method IN ('markov', 'shapley', 'hazard'), model_version, '') AS model_version,
    told.2 AS shares
FROM
(
    SELECT conversion_id, install_id, app_id, install_time, version, model_version,
        [('first', by_first), ('last', by_last), ('linear', by_linear),
            ('time_decay', by_time_decay), ('position', by_position), ('markov', by_markov),
            ('shapley', by_shapley), ('hazard', by_hazard)] AS methods
    FROM credits
    ORDER BY conversion_id, revision DESC, log_epoch, log_offset
    LIMIT 1 BY conversion_id
)
ARRAY JOIN methods AS told
WHERE notEmpty(told.2)
COMMENT 'Shares of the credit for every install, by every method.';

-- All methods cover the same installs, but models cover only those that were decided while a model
-- was in force. Compare models with `modelled`, which is the decision by rules for those installs.
CREATE OR REPLACE VIEW v_channel_credit_daily
(
    day Date COMMENT 'Day of the first open, UTC.',
    app_id String COMMENT 'App that was installed.',
    channel String COMMENT 'media_source, or media_source/channel when the touchpoint names a channel; organic.',
    decided Float64 COMMENT 'Installs that the rules credit here now.',
    first Float64 COMMENT 'Installs credited by first touch.',
    last Float64 COMMENT 'Installs credited by last touch.',
    linear Float64 COMMENT 'Installs credited in equal parts.',
    time_decay Float64 COMMENT 'Installs credited with more to later touchpoints.',
    position Float64 COMMENT 'Installs credited with 40 % each to the first and the last touchpoint.',
    modelled Float64 COMMENT 'Installs that the rules credit here, among those that a model has divided too.',
    markov Float64 COMMENT 'Installs credited by Markov removal effects.',
    shapley Float64 COMMENT 'Installs credited by Shapley values.',
    hazard Float64 COMMENT 'Installs credited by how much each touchpoint raises the hazard (the rate of installing).',
    gap Float64 COMMENT 'hazard - modelled: positive where the rules credit too little, negative where too much.'
)
AS WITH
    decisions AS
    (
        SELECT install_id, multiIf(media_source = 'organic', 'organic', channel = '', media_source,
            concat(media_source, '/', channel)) AS decided_channel
        FROM v_attributions
        WHERE conversion_type != 'reengagement'
    ),
    -- Shares of every install, by method and channel; `modelled` only where a model has divided it.
    parts AS
    (
        SELECT install_id, app_id, toDate(install_time) AS of_day, method,
            part.1 AS of_channel, part.2 AS share
        FROM v_credits
        ARRAY JOIN CAST(shares AS Array(Tuple(String, Float64))) AS part
        UNION ALL
        SELECT c.install_id, c.app_id, toDate(c.install_time), 'decided',
            d.decided_channel, 1.
        FROM (SELECT * FROM v_credits WHERE method = 'first') AS c
        INNER JOIN decisions AS d ON d.install_id = c.install_id
        UNION ALL
        SELECT c.install_id, c.app_id, toDate(c.install_time), 'modelled',
            d.decided_channel, 1.
        FROM (SELECT * FROM v_credits WHERE method = 'hazard') AS c
        INNER JOIN decisions AS d ON d.install_id = c.install_id
    )
SELECT of_day AS day, app_id, of_channel AS channel,
    sumIf(share, method = 'decided') AS decided,
    sumIf(share, method = 'first') AS first,
    sumIf(share, method = 'last') AS last,
    sumIf(share, method = 'linear') AS linear,
    sumIf(share, method = 'time_decay') AS time_decay,
    sumIf(share, method = 'position') AS position,
    sumIf(share, method = 'modelled') AS modelled,
    sumIf(share, method = 'markov') AS markov,
    sumIf(share, method = 'shapley') AS shapley,
    sumIf(share, method = 'hazard') AS hazard,
    hazard - modelled AS gap
FROM parts
GROUP BY of_day, app_id, of_channel
COMMENT 'The decision by rules beside every method of multi-touch attribution, per day and channel.';
