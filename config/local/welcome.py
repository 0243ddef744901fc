"""What `./run` says when it is up: where to look, who can log in, how to book."""

from config.demo.data.logins import LOGINS, PASSWORD, address
from config.local.programs import sandbox_port

JSON = "-H 'Content-Type: application/json'"
WISH = (
    '{"name": "Robin Reyes", "phone": "602-555-0147", "line1": "4001 N 24th St", '
    '"city": "Phoenix", "region": "AZ", "postal_code": "85016", '
    '"service": "ac-tune-up"}'
)


def welcome(*, port: int, seconds: float) -> str:
    """Return the text for somebody who sees Fieldbook for the first time."""
    site = f"http://127.0.0.1:{port}"
    sandbox = f"http://127.0.0.1:{sandbox_port(port)}"
    logins = "\n".join(f"  {address(who):38} {why}" for who, why in LOGINS.items())
    return f"""
Fieldbook is up after {seconds:.1f} s.  Ctrl-C stops it; the data stays.

  {site}                start here
  {site}/admin/         for the office
  {site}/api/docs       the API, to try out
  {site}/api/redoc      the API, to read
  {sandbox}                the vendors outside, played; break one, and watch it heal

Log in with the password {PASSWORD} as
{logins}

Book a visit, as the company's website would:

{booking_lines(port=port)}
"""


def booking_lines(*, port: int) -> str:
    """Return shell lines that book a visit: a wish, the times, the booking."""
    api = f"http://127.0.0.1:{port}/api/v1"
    booking = (
        r"{\"lead\": \"$(echo $LEAD | value id)\", "
        r"\"booking_token\": \"$(echo $LEAD | value booking_token)\", "
        r"\"service\": \"ac-tune-up\", \"starts_at\": \"$SLOT\"}"
    )
    times = f"{api}/availability?service=ac-tune-up&postal_code=85016"
    return rf"""value() {{ sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }}
LEAD=$(curl -s {api}/leads {JSON} -d '{WISH}')
SLOT=$(curl -s '{times}' | value starts_at)
curl -s {api}/appointments {JSON} -d "{booking}"
"""
