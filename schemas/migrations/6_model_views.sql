-- How good models are, as their labels mature. Each window of labels counts once, however often it
-- was said; what cannot be told from the labels is NULL.

CREATE OR REPLACE VIEW v_model_quality
(
    quality_id String COMMENT 'Window of labels.',
    target String COMMENT 'What is predicted.',
    horizon String COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark String COMMENT 'When the install was looked at; empty: all.',
    platform String COMMENT 'Empty: all.',
    tier String COMMENT 'full, install_only, rates or constant.',
    model_version String COMMENT 'Empty: all.',
    media_source String COMMENT 'Empty: all.',
    rows Int64 COMMENT 'Predictions whose labels matured.',
    predicted Float64 COMMENT 'Mean of what was said.',
    observed Float64 COMMENT 'Mean of what came.',
    log_loss Nullable(Float64) COMMENT 'Nats per row.',
    normalised_entropy Nullable(Float64) COMMENT 'Log loss over that of the share observed.',
    calibration_ratio Nullable(Float64) COMMENT 'All that was expected over all that came.',
    ece Nullable(Float64) COMMENT 'Mean distance between chance and share.',
    auc Nullable(Float64) COMMENT 'How often a positive was given more than a negative.',
    normalised_gini Nullable(Float64) COMMENT 'Order of amounts; 1 is the order of what came.',
    decile_mape Nullable(Float64) COMMENT 'Mean relative error over deciles of amounts.',
    begin_time DateTime64(3, 'UTC') COMMENT 'Log time of the first label.',
    end_time DateTime64(3, 'UTC') COMMENT 'Log time of the last label.'
)
AS SELECT quality_id, target, horizon, landmark, platform, tier, model_version, media_source,
    rows, predicted, observed,
    nullIf(log_loss, -1) AS log_loss, nullIf(normalised_entropy, -1) AS normalised_entropy,
    nullIf(calibration_ratio, -1) AS calibration_ratio, nullIf(ece, -1) AS ece,
    nullIf(auc, -1) AS auc, nullIf(normalised_gini, -1) AS normalised_gini,
    nullIf(decile_mape, -1) AS decile_mape, begin_time, end_time
FROM
(
    SELECT * FROM model_quality ORDER BY quality_id, log_epoch, log_offset LIMIT 1 BY quality_id
)
COMMENT 'How good predictions were, per window of matured labels.';

CREATE OR REPLACE VIEW v_reliability
(
    day Date COMMENT 'Day of log time on which the labels matured.',
    target String COMMENT 'What is predicted.',
    horizon String COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark String COMMENT 'When the install was looked at.',
    tier String COMMENT 'full, install_only, rates or constant.',
    bin Int64 COMMENT 'Fifteenths of the predictions of their time, by rising chance, from 0.',
    rows Int64 COMMENT 'Predictions.',
    predicted Float64 COMMENT 'Mean chance.',
    observed Float64 COMMENT 'Share that came true.',
    gap Float64 COMMENT 'predicted - observed.'
)
AS SELECT day, target, horizon, landmark, tier, bin, sum(of_rows) AS rows,
    sum(of_rows * said) / rows AS predicted, sum(of_rows * came) / rows AS observed,
    predicted - observed AS gap
FROM
(
    SELECT toDate(end_time) AS day, target, horizon, landmark, tier, bin, rows AS of_rows,
        predicted AS said, observed AS came
    FROM reliability
    ORDER BY reliability_id, log_epoch, log_offset
    LIMIT 1 BY reliability_id
)
GROUP BY day, target, horizon, landmark, tier, bin
COMMENT 'Whether predictions come true as often as they say, per day.';

-- A day adds up its windows: losses and sums of all rows, not means of ratios.
CREATE OR REPLACE VIEW v_model_quality_daily
(
    day Date COMMENT 'Day of log time on which the labels matured.',
    target String COMMENT 'What is predicted.',
    horizon String COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark String COMMENT 'When the install was looked at.',
    tier String COMMENT 'full, install_only, rates or constant.',
    rows Int64 COMMENT 'Predictions whose labels matured.',
    log_loss Nullable(Float64) COMMENT 'Nats per row.',
    normalised_entropy Nullable(Float64) COMMENT 'Log loss over that of the share observed that day.',
    calibration_ratio Nullable(Float64) COMMENT 'All that was expected over all that came.',
    ece Nullable(Float64) COMMENT 'Mean distance between chance and share, in fifteenths.',
    auc Nullable(Float64) COMMENT 'Mean over windows.',
    normalised_gini Nullable(Float64) COMMENT 'Mean over windows.',
    decile_mape Nullable(Float64) COMMENT 'Mean over windows.'
)
AS WITH
    windows AS
    (
        SELECT toDate(end_time) AS of_day, *
        FROM v_model_quality
        WHERE landmark != '' AND platform = '' AND media_source = '' AND model_version = ''
    ),
    errors AS
    (
        SELECT day AS of_day, target, horizon, landmark, tier,
            sum(rows * abs(gap)) / sum(rows) AS missed
        FROM v_reliability
        GROUP BY day, target, horizon, landmark, tier
    )
SELECT w.of_day AS day, w.target AS target, w.horizon AS horizon, w.landmark AS landmark,
    w.tier AS tier, sum(w.rows) AS rows,
    if(countIf(w.log_loss IS NULL) > 0, NULL, sum(w.rows * w.log_loss) / sum(w.rows)) AS log_loss,
    log_loss / nullIf(-(share * log(share) + (1 - share) * log(1 - share)), 0)
        AS normalised_entropy,
    sum(w.rows * w.predicted) / nullIf(sum(w.rows * w.observed), 0) AS calibration_ratio,
    if(log_loss IS NULL, NULL, any(e.missed)) AS ece,
    sum(w.rows * w.auc) / sumIf(w.rows, w.auc IS NOT NULL) AS auc,
    sum(w.rows * w.normalised_gini) / sumIf(w.rows, w.normalised_gini IS NOT NULL)
        AS normalised_gini,
    sum(w.rows * w.decile_mape) / sumIf(w.rows, w.decile_mape IS NOT NULL) AS decile_mape
FROM
(
    SELECT *, sum(rows * observed) OVER whole / sum(rows) OVER whole AS mean
    FROM windows
    WINDOW whole AS (PARTITION BY of_day, target, horizon, landmark, tier)
) AS w
LEFT JOIN errors AS e USING (of_day, target, horizon, landmark, tier)
GROUP BY w.of_day, w.target, w.horizon, w.landmark, w.tier,
    if(w.mean > 0 AND w.mean < 1, w.mean, NULL) AS share
COMMENT 'How good predictions were, per day, landmark and tier.';

CREATE OR REPLACE VIEW v_tier_quality
(
    day Date COMMENT 'Day of log time on which the labels matured.',
    target String COMMENT 'What is predicted.',
    landmark String COMMENT 'When the install was looked at.',
    rows Int64 COMMENT 'Bins of installs, each predicted by every tier; a quarter of all.',
    full Float64 COMMENT 'Log loss of the model, nats per row.',
    install_only Float64 COMMENT 'Of the model with what was known at the install alone.',
    rates Float64 COMMENT 'Of rates by source, country and platform.',
    constant Float64 COMMENT 'Of one rate for everybody.',
    gain Nullable(Float64) COMMENT 'Share of the log loss of one rate that the model saves.'
)
AS SELECT day, target, landmark,
    sumIf(of_rows, tier = 'full') AS rows,
    sumIf(lost, tier = 'full') / rows AS full,
    sumIf(lost, tier = 'install_only') / rows AS install_only,
    sumIf(lost, tier = 'rates') / rows AS rates,
    sumIf(lost, tier = 'constant') / rows AS constant,
    1 - full / nullIf(constant, 0) AS gain
FROM
(
    SELECT toDate(end_time) AS day, target, landmark, tier, rows AS of_rows,
        rows * assumeNotNull(log_loss) AS lost
    FROM v_model_quality
    WHERE horizon = 'bin'
)
GROUP BY day, target, landmark
COMMENT 'What a better tier is worth: log loss of all tiers on the same rows, per day.';

CREATE OR REPLACE VIEW v_drift
(
    raised_at DateTime64(3, 'UTC') COMMENT 'Log time of the label that made it plain.',
    kind String COMMENT 'residual: what came minus what was said; feature.',
    target String COMMENT 'Target whose labels or snapshots were watched.',
    subject String COMMENT 'Name of the feature; empty of a residual.',
    app_id String COMMENT 'App.',
    media_source String COMMENT 'Network; empty: all of the app.',
    mean_before Float64 COMMENT 'Mean until the change.',
    mean_after Float64 COMMENT 'Mean since.',
    rows_after Int64 COMMENT 'Values since the change when it was noticed.',
    response String COMMENT 'What the learner did: loosened or none.'
)
AS SELECT raised_at, kind, target, subject, app_id, media_source, mean_before, mean_after,
    rows_after, response
FROM
(
    SELECT * FROM drift_alarms ORDER BY alarm_id, log_epoch, log_offset LIMIT 1 BY alarm_id
)
COMMENT 'What changed in what models miss, and in what they are told.';
