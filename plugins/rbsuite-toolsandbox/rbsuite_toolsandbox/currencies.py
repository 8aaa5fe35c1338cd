"""The currency codes that ``convert_currency`` accepts: those of the library ccy 1.3.1, which upstream uses."""

# ruff: noqa: SIM905 (a list of 49 texts would take 49 lines)

CODES = frozenset(
    (
        "AED ARS AUD BGN BMD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HRK HUF IDR ILS INR JMD JPY KRW "
        "KZT MXN MYR NGN NOK NZD PEN PHP PLN QAR RON RUB SAR SEK SGD THB TRY TTD TWD UAH USD VND XBT ZAR"
    ).split()
)
