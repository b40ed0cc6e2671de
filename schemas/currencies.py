"""Currency codes of ISO 4217: the active ones, and withdrawn ones up to their last day."""

from __future__ import annotations

from datetime import date, timedelta

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
"""List one of ISO 4217 as published on 2026-01-01, without funds, metals and testing codes."""

_WITHDRAWN = """
    CYP 2008-01 EUR  EEK 2011-01 EUR  GHC 2008-01 GHS  HRK 2023-01 EUR  LTL 2014-12 EUR
    LVL 2014-01 EUR  MTL 2008-01 EUR  SKK 2009-01 EUR  BGN 2026-01 EUR  ANG 2025-03 XCG
    BYR 2017-01 BYN  CUC 2021-06 CUP  MRO 2017-12 MRU  SLL 2023-12 SLE  STD 2017-12 STN
    TMM 2009-01 TMT  VEB 2008-01 VES  VEF 2018-08 VES  ZMK 2012-12 ZMW  ZWD 2008-08 ZWG
    ZWL 2024-09 ZWG  ZWR 2009-06 ZWG
""".split()

GRACE = timedelta(days=183)
"""How long after its last day a withdrawn currency is accepted.

ISO 4217 names only the month, some currencies circulated beside their successors for half a year
more (MRO and STD until 30 June 2018), and stores settle and refund old purchases for months."""


def _last_day(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


HISTORIC = {
    code: (_last_day(month), successor)
    for code, month, successor in zip(
        _WITHDRAWN[::3], _WITHDRAWN[1::3], _WITHDRAWN[2::3], strict=True
    )
}
"""Withdrawn code -> its last day, and the currency that is paid with today.

List three of ISO 4217 as published on 2026-01-01, from 2008 on: before, no store sold apps."""

_DAY_1970 = date(1970, 1, 1)
_ACCEPTED_DAYS = {code: (last + GRACE - _DAY_1970).days for code, (last, _) in HISTORIC.items()}


def is_accepted(code: str, day: int) -> bool:
    """Whether money may be in this currency on a day, in days since 1970."""
    return code in CURRENCIES or day <= _ACCEPTED_DAYS.get(code, -1)


def refusal(code: str) -> str:
    """What is wrong with a currency that is not accepted, and what to send instead."""
    if code not in HISTORIC:
        return f"currency {code!r}"
    last, successor = HISTORIC[code]
    return f"currency {code!r} was withdrawn on {last}: send {successor}"
