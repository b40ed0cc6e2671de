-- Who gets the credit when more than one touchpoint gets some.

-- One row per install and method, by what counts now.
CREATE OR REPLACE VIEW v_credits
(
    conversion_id String COMMENT 'Conversion whose credit is shared: the install.',
    install_id String COMMENT 'Install.',
    app_id String COMMENT 'App that was installed.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open.',
    version Int64 COMMENT 'Version of the decision when credit was shared.',
    method String COMMENT 'first, last, linear, time_decay, position, markov, shapley or hazard.',
    model_version String COMMENT 'Model behind the method; empty when it needs none.',
    shares Map(String, Float64) COMMENT 'Share by channel; organic is one of them.'
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
COMMENT 'Shares of the credit of every install, by every method.';

-- The rule decision beside every way of sharing credit, for the same installs. Models speak of
-- installs that were decided while one was in force: `modelled` is what the rules say of those.
CREATE OR REPLACE VIEW v_channel_credit_daily
(
    day Date COMMENT 'Day of the first open in UTC.',
    app_id String COMMENT 'App.',
    channel String COMMENT 'media_source, or media_source/channel where the touchpoint names one; organic.',
    decided Float64 COMMENT 'Installs that the rules now credit here.',
    first Float64 COMMENT 'Installs shared by first touch.',
    last Float64 COMMENT 'By last touch.',
    linear Float64 COMMENT 'In equal parts.',
    time_decay Float64 COMMENT 'More to later touchpoints.',
    position Float64 COMMENT '40 % to the first and the last each.',
    modelled Float64 COMMENT 'Installs that the rules credit here, of those that a model shared too.',
    markov Float64 COMMENT 'By Markov removal effects.',
    shapley Float64 COMMENT 'By Shapley values.',
    hazard Float64 COMMENT 'By what each touchpoint adds to the rate of installing.',
    gap Float64 COMMENT 'hazard - modelled: what the rules credit too little; negative: too much.'
)
AS WITH
    decisions AS
    (
        SELECT install_id, multiIf(media_source = 'organic', 'organic', channel = '', media_source,
            concat(media_source, '/', channel)) AS decided_channel
        FROM v_attributions
        WHERE conversion_type != 'reengagement'
    ),
    -- Whether a model has shared it, by method and channel.
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
COMMENT 'The rule decision beside every way of sharing credit, per day and channel.';
