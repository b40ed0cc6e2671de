-- Quality of models: how good predictions were, as their labels mature. Each period of labels counts
-- once, however often it was reported; a figure that the labels do not define is NULL.

CREATE OR REPLACE VIEW v_model_quality
(
    quality_id String COMMENT 'Id of the row: what it describes, its number and end_time.',
    target String COMMENT 'What is predicted.',
    horizon String COMMENT 'd1, d7, …; bin: one bin of the hazard by every tier, for a quarter of the rows.',
    landmark String COMMENT 'Age of the install at which it was scored; empty: all.',
    platform String COMMENT 'ios, android or other; empty: all.',
    tier String COMMENT 'full, install_only, rates or constant.',
    model_version String COMMENT 'Version that predicted; empty: all.',
    media_source String COMMENT 'Network that has the credit; empty: all; other: networks beyond the limit of rows.',
    rows Int64 COMMENT 'Predictions whose labels matured.',
    predicted Float64 COMMENT 'Mean prediction: a probability or an amount.',
    observed Float64 COMMENT 'Mean actual value.',
    log_loss Nullable(Float64) COMMENT 'Log loss in nats per row; null: not a probability.',
    normalised_entropy Nullable(Float64) COMMENT 'Log loss divided by that of the observed share; null: not defined.',
    calibration_ratio Nullable(Float64) COMMENT 'Sum of the predictions divided by the sum of the actual values; null: the latter is 0.',
    ece Nullable(Float64) COMMENT 'Expected calibration error: mean distance between probability and observed share; null: not a probability.',
    auc Nullable(Float64) COMMENT 'Area under the ROC curve: how often a positive was scored above a negative; null: not defined.',
    normalised_gini Nullable(Float64) COMMENT 'Gini of amounts ordered by prediction; 1 is the order of the actual amounts; null: not defined.',
    decile_mape Nullable(Float64) COMMENT 'Mean absolute percentage error over deciles of predicted amounts; null: not defined.',
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
COMMENT 'How good predictions were, per period of matured labels.';

CREATE OR REPLACE VIEW v_reliability
(
    day Date COMMENT 'Day of log time on which the labels matured, UTC.',
    target String COMMENT 'What is predicted.',
    horizon String COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark String COMMENT 'Age of the install at which it was scored.',
    tier String COMMENT 'full, install_only, rates or constant.',
    bin Int64 COMMENT 'Fifteenth of the predictions of a period, by rising probability, from 0.',
    rows Int64 COMMENT 'Number of predictions.',
    predicted Float64 COMMENT 'Mean predicted probability.',
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
COMMENT 'Whether predictions come true as often as they state, per day.';

-- A day adds up its periods of labels: losses and sums of all rows, not means of ratios.
CREATE OR REPLACE VIEW v_model_quality_daily
(
    day Date COMMENT 'Day of log time on which the labels matured, UTC.',
    target String COMMENT 'What is predicted.',
    horizon String COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark String COMMENT 'Age of the install at which it was scored.',
    tier String COMMENT 'full, install_only, rates or constant.',
    rows Int64 COMMENT 'Predictions whose labels matured.',
    log_loss Nullable(Float64) COMMENT 'Log loss in nats per row.',
    normalised_entropy Nullable(Float64) COMMENT 'Log loss divided by that of the share observed on that day.',
    calibration_ratio Nullable(Float64) COMMENT 'Sum of the predictions divided by the sum of the actual values.',
    ece Nullable(Float64) COMMENT 'Expected calibration error: mean distance between probability and observed share, over fifteenths.',
    auc Nullable(Float64) COMMENT 'Area under the ROC curve, mean over periods of labels.',
    normalised_gini Nullable(Float64) COMMENT 'Gini of amounts ordered by prediction, mean over periods of labels.',
    decile_mape Nullable(Float64) COMMENT 'Mean absolute percentage error over deciles, mean over periods of labels.'
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
    day Date COMMENT 'Day of log time on which the labels matured, UTC.',
    target String COMMENT 'What is predicted.',
    landmark String COMMENT 'Age of the install at which it was scored.',
    rows Int64 COMMENT 'Number of bins of installs, each predicted by every tier: a quarter of all.',
    full Float64 COMMENT 'Log loss of the full model, in nats per row.',
    install_only Float64 COMMENT 'Log loss of the model that sees only what was known at the install.',
    rates Float64 COMMENT 'Log loss of rates by source, country and platform.',
    constant Float64 COMMENT 'Log loss of one rate for everybody.',
    gain Nullable(Float64) COMMENT 'Share of the log loss of the constant rate that the full model saves.'
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
COMMENT 'What a better tier gains: log loss of all tiers on the same rows, per day.';

CREATE OR REPLACE VIEW v_drift
(
    raised_at DateTime64(3, 'UTC') COMMENT 'Log time of the label that revealed the change.',
    kind String COMMENT 'residual: actual value minus prediction; feature: value of a feature.',
    target String COMMENT 'Target whose labels or snapshots are watched.',
    subject String COMMENT 'Name of the feature; empty for a residual.',
    app_id String COMMENT 'App that is watched.',
    media_source String COMMENT 'Network that is watched; empty: the whole app.',
    mean_before Float64 COMMENT 'Mean before the change.',
    mean_after Float64 COMMENT 'Mean after the change.',
    rows_after Int64 COMMENT 'Number of values after the change, when it was detected.',
    response String COMMENT 'What the learner did: loosened (it learns faster from here on) or none.'
)
AS SELECT raised_at, kind, target, subject, app_id, media_source, mean_before, mean_after,
    rows_after, response
FROM
(
    SELECT * FROM drift_alarms ORDER BY alarm_id, log_epoch, log_offset LIMIT 1 BY alarm_id
)
COMMENT 'Detected changes in the residuals of models and in their features.';
