"""The difference that a variant makes: of means or ratios, adjusted for what was known before.

A ratio of two sums, such as revenue per payer, varies as its linear part does (delta method; Deng,
Knoblich and Lu, "Applying the delta method in metric analytics", KDD 2018): unit i moves it by (yᵢ
− R dᵢ) / d̄.

Covariates that were known before the assignment take their part of the noise out (CUPED; Deng, Xu,
Kohavi and Walker, WSDM 2013): with θ regressed within variants, the mean of y − θ'(x − x̄) has the
variance of the residual, 1 − R² of what it was. Which covariate is used makes no answer wrong, as
long as the treatment cannot have moved it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.arm_moments import ArmMoments

_Floats = NDArray[np.float64]


class MetricColumns(NamedTuple):
    """Which columns of moments a metric is made of."""

    value: int
    denominator: int | None = None  # None: the mean over units
    covariates: tuple[int, ...] = ()


class Effect(NamedTuple):
    """What a variant does to a metric; each field has the shape of the experiments.

    Variances are those of the estimates. `relative` is NaN where the control has no mean.
    """

    control: _Floats
    treated: _Floats
    lift: _Floats
    variance: _Floats
    relative: _Floats
    relative_variance: _Floats
    control_variance: _Floats  # of the control's mean, without what both means share
    shared_variance: _Floats  # of both means: that of the covariates' mean, times their slopes
    units: _Floats
    degrees: _Floats  # of freedom, after Welch and Satterthwaite
    variance_removed: _Floats  # by the covariates: the share


class _Linear(NamedTuple):
    """A metric of a variant: its value, and its linear part's variance and slopes."""

    value: _Floats
    variance: _Floats  # of a unit
    with_covariates: _Floats  # covariances, (…, covariates)


def compare(control: ArmMoments, treated: ArmMoments, metric: MetricColumns) -> Effect:
    """The effect of a variant beside its control."""
    columns = list(metric.covariates)
    pair = (control, treated)
    linear = [_linear(arm, metric) for arm in pair]
    theta = _slopes(pair, linear, columns)
    everyone = control.units + treated.units
    centre = sum(arm.units[..., None] * arm.mean[..., columns] for arm in pair)
    centre = centre / np.maximum(everyone, 1.0)[..., None]
    values, spreads = [], []
    for arm, part in zip(pair, linear, strict=True):
        shift = _dot(theta, arm.mean[..., columns] - centre)
        values.append(part.value - shift)
        among = arm.covariance[..., columns, :][..., columns]
        residual = part.variance - 2.0 * _dot(theta, part.with_covariates)
        residual = residual + np.einsum("...i,...ij,...j->...", theta, among, theta)
        spreads.append(np.maximum(residual, 0.0))
    shared = _shared_variance(pair, theta, columns)
    raw = _of_mean(linear[0].variance, control) + _of_mean(linear[1].variance, treated)
    return _effect(pair, values, spreads, shared, raw)


def stratified(effects: list[Effect]) -> Effect:
    """One effect of several strata, such as the phases of a ramp, each compared within itself.

    Strata weigh as their units. Pooling them instead would compare the variants' mix of phases:
    early users, who are other people, are rarer where the share grew later (Simpson's paradox).
    """
    units = sum(effect.units for effect in effects)
    shares = [effect.units / np.maximum(units, 1.0) for effect in effects]

    def mean(name: str) -> _Floats:
        parts = [s * getattr(e, name) for s, e in zip(shares, effects, strict=True)]
        return np.asarray(sum(parts), dtype=np.float64)

    def variance(parts: list[_Floats]) -> _Floats:
        total = sum(s**2 * part for s, part in zip(shares, parts, strict=True))
        return np.asarray(total, dtype=np.float64)

    spread = variance([effect.variance for effect in effects])
    own = variance([effect.control_variance for effect in effects])
    shared = variance([effect.shared_variance for effect in effects])
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            (share**2 * effect.variance) ** 2 / effect.degrees
            for share, effect in zip(shares, effects, strict=True)
        ]
        degrees = np.where(spread > 0.0, spread**2 / sum(parts), np.inf)
    means = mean("control"), mean("treated")
    relative, relative_variance = _relative(means, spread, own, shared)
    return Effect(
        control=means[0],
        treated=means[1],
        lift=means[1] - means[0],
        variance=spread,
        relative=relative,
        relative_variance=relative_variance,
        control_variance=own,
        shared_variance=shared,
        units=np.asarray(units, dtype=np.float64),
        degrees=degrees,
        variance_removed=mean("variance_removed"),
    )


def _linear(arm: ArmMoments, metric: MetricColumns) -> _Linear:
    columns = list(metric.covariates)
    value = arm.mean[..., metric.value]
    if metric.denominator is None:
        return _Linear(
            value,
            arm.covariance[..., metric.value, metric.value],
            arm.covariance[..., metric.value, columns],
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        below = arm.mean[..., metric.denominator]
        ratio = value / below
        weights = np.stack([1.0 / below, -ratio / below], axis=-1)
    own = arm.of((metric.value, metric.denominator)).covariance
    among = arm.covariance[..., [metric.value, metric.denominator], :][..., columns]
    return _Linear(
        ratio,
        np.einsum("...i,...ij,...j->...", weights, own, weights),
        np.einsum("...i,...ij->...j", weights, among),
    )


def _slopes(
    pair: tuple[ArmMoments, ArmMoments], linear: list[_Linear], columns: list[int]
) -> _Floats:
    """θ of the regression within both variants together, `(…, covariates)`."""
    degrees = [np.maximum(arm.units - 1.0, 0.0) for arm in pair]
    among = sum(
        d[..., None, None] * arm.covariance[..., columns, :][..., columns]
        for d, arm in zip(degrees, pair, strict=True)
    )
    across = sum(
        d[..., None] * part.with_covariates for d, part in zip(degrees, linear, strict=True)
    )
    if not columns:
        return np.zeros((*np.shape(pair[0].units), 0))
    # The pseudo-inverse: two covariates that say the same share what they explain.
    scale = np.sqrt(np.maximum(np.einsum("...ii->...i", among), 0.0))
    scale = np.where(scale > 0.0, scale, 1.0)
    alike = among / (scale[..., :, None] * scale[..., None, :])
    clean = np.nan_to_num(across / scale)
    inverse = np.linalg.pinv(np.nan_to_num(alike), rcond=1e-10, hermitian=True)
    return np.asarray(np.einsum("...ij,...j->...i", inverse, clean) / scale, dtype=np.float64)


def _shared_variance(
    pair: tuple[ArmMoments, ArmMoments], theta: _Floats, columns: list[int]
) -> _Floats:
    """Variance that both adjusted means have in common, by the mean of the covariates of all. It
    leaves the difference alone, and not the ratio."""
    units = pair[0].units + pair[1].units
    among = sum(
        (arm.units / np.maximum(units, 1.0))[..., None, None]
        * arm.covariance[..., columns, :][..., columns]
        for arm in pair
    )
    explained = np.einsum("...i,...ij,...j->...", theta, among, theta)
    return np.asarray(explained / np.maximum(units, 1.0), dtype=np.float64)


def _effect(
    pair: tuple[ArmMoments, ArmMoments],
    values: list[_Floats],
    spreads: list[_Floats],
    shared: _Floats,
    raw: _Floats,
) -> Effect:
    of_control, of_treated = (_of_mean(s, arm) for s, arm in zip(spreads, pair, strict=True))
    variance = of_control + of_treated
    control, treated = values
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = sum(
            part**2 / (arm.units - 1.0)
            for part, arm in zip((of_control, of_treated), pair, strict=True)
        )
        degrees = np.where(squares > 0.0, variance**2 / squares, np.inf)
        removed = np.where(raw > 0.0, 1.0 - variance / raw, 0.0)
    relative, relative_variance = _relative((control, treated), variance, of_control, shared)
    return Effect(
        control=control,
        treated=treated,
        lift=treated - control,
        variance=variance,
        relative=relative,
        relative_variance=relative_variance,
        control_variance=of_control,
        shared_variance=shared,
        units=pair[0].units + pair[1].units,
        degrees=degrees,
        variance_removed=removed,
    )


def _relative(
    means: tuple[_Floats, _Floats], variance: _Floats, of_control: _Floats, shared: _Floats
) -> tuple[_Floats, _Floats]:
    """treated / control − 1 and its variance, by its linear part (delta method)."""
    control, treated = means
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(control > 0.0, treated / control, np.nan)
        own = variance - of_control + growth**2 * of_control
        return growth - 1.0, (own + (growth - 1.0) ** 2 * shared) / control**2


def _of_mean(variance: _Floats, arm: ArmMoments) -> _Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(variance / arm.units, dtype=np.float64)


def _dot(left: _Floats, right: _Floats) -> _Floats:
    return np.asarray(np.einsum("...i,...i->...", left, right), dtype=np.float64)
