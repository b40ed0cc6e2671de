-- Predictions with the number of events behind them: what a version had learned when it was published.

CREATE OR REPLACE VIEW v_predictions
(
    app_id String COMMENT 'App that was installed.',
    install_id String COMMENT 'Install that is scored.',
    media_source String COMMENT 'Media source that had the credit at the landmark.',
    target String COMMENT 'What is predicted: payer is a first payment, value is money.',
    landmark String COMMENT 'Age of the install at which it was scored.',
    landmark_time DateTime64(3, 'UTC') COMMENT 'When the install reached that age.',
    chances Map(String, Float64) COMMENT 'Probability by every horizon that has not passed.',
    tier String COMMENT 'Tier that answered: full, install_only, rates or constant.',
    tier_reason String COMMENT 'Why no better tier answered; empty for the best tier.',
    model_version String COMMENT 'Version that answered; constant for the prior.',
    events Nullable(UInt64) COMMENT 'Installs that had reached the target when this version was published: the evidence behind chances. 0: the prior that was declared; null: not recorded.',
    amounts Map(String, Float64) COMMENT 'Expected money since the install, by horizon, in the currency.',
    currency String COMMENT 'Reporting currency of the amounts, ISO 4217.',
    is_extrapolated Bool COMMENT 'Whether some of the amounts rest on the growth of earlier installs alone.',
    value_version String COMMENT 'Version of the model of the amounts; constant: the money paid so far; empty: no amounts.',
    amount_events Nullable(UInt64) COMMENT 'Amounts other than 0 that this version had learned: the evidence behind amounts. 0: only what was paid is known; null: no amounts, or not recorded.',
    segment String COMMENT 'Action with the highest expected value by the declared costs and benefits.'
)
AS WITH
    learned AS
    (
        SELECT version, max(toUInt64(figures['positives_learned'])) AS events
        FROM model_versions
        WHERE version != '' AND mapContains(figures, 'positives_learned')
        GROUP BY version
    )
SELECT p.app_id AS app_id, p.install_id AS install_id, p.media_source AS media_source,
    p.target AS target, p.landmark AS landmark, p.landmark_time AS landmark_time,
    p.chances AS chances, p.tier AS tier, p.tier_reason AS tier_reason,
    p.model_version AS model_version,
    multiIf(p.model_version = 'constant', 0, m.version = '', NULL, m.events) AS events,
    p.amounts AS amounts, p.currency AS currency, p.is_extrapolated AS is_extrapolated,
    p.value_version AS value_version,
    multiIf(p.value_version = 'constant', 0, v.version = '', NULL, v.events) AS amount_events,
    p.segment AS segment
FROM
(
    SELECT *
    FROM predictions
    ORDER BY app_id, prediction_id, log_epoch, log_offset
    LIMIT 1 BY app_id, prediction_id
) AS p
LEFT JOIN learned AS m ON m.version = p.model_version
LEFT JOIN learned AS v ON v.version = p.value_version
COMMENT 'Every prediction once, with the number of events behind it.';
