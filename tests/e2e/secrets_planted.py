"""Secrets in more than fifty shapes, made at run time so that no scanner of repositories trips over them. Each is a line to
log and the part of it that must be nowhere afterwards."""
import base64
import random
import string

HEX, WORD, UPPER = "0123456789abcdef", string.ascii_letters + string.digits, string.ascii_uppercase + string.digits


def planted(seed: int) -> dict[str, tuple[str, str]]:
    rng = random.Random(seed)
    of = lambda alphabet, n: "".join(rng.choice(alphabet) for _ in range(n))
    word, hexa, upper = (lambda n: "a1Z" + of(WORD, n - 3)), (lambda n: of(HEX, n)), (lambda n: of(UPPER, n))
    uuid = lambda: "-".join(hexa(n) for n in (8, 4, 4, 4, 12))
    out = {}

    def add(name: str, line: str, secret: str):
        assert secret in line
        out[name] = (line, secret)

    def marked(name: str, prefix: str, body: str):
        add(name, f"upstream said {prefix}{body} is wrong", body[-16:])

    for key in ("password", "passwd", "DB_PASSWORD", "secret", "client_secret", "api_key", "apikey", "access_token", "auth_token",
                "private_key", "aws_secret_access_key", "csrf_token", "credentials", "mysql_pwd", "x-api-key"):
        value = word(12)
        add("pair " + key, f"tried {key}={value} twice", value)
    for name, template in {"json": '{"password": "%s", "n": 1}', "nested json": '{"a": {"b": {"api_key": "%s"}}}',
                           "json in json": '{"body": "{\\"password\\": \\"%s\\"}"}', "escaped key": '{"pass\\u0077ord": "%s"}',
                           "yaml": "password: %s", "flag": "run --password %s now", "xml": "<password>%s</password>",
                           "query": "GET /x?token=%s&y=1", "encoded query": "next=%%2Fx%%3Ftoken%%3D%s%%26y%%3D1",
                           "bearer": "sent Bearer %s on", "header": "Authorization: Token %s", "cookie": "Cookie: theme=dark; sid=%s",
                           "url": "postgres://app:%s@db.example/x", "redis": "redis://:%s@cache/0", "sql": "ALTER USER a IDENTIFIED BY '%s'",
                           "curl": "curl -u bob:%s https://x.example"}.items():
        value = word(14)
        add(name, template % value, value)
    basic = base64.b64encode(("bob:" + word(12)).encode()).decode()
    add("basic", f"authorization was Basic {basic} there", basic[:12])
    marked("jwt", "eyJ" + word(20) + ".eyJ" + word(20) + ".", word(30))
    for name, prefix, body in (("aws", "AKIA", upper(16)), ("github", "ghp_", word(36)), ("github fine", "github_pat_", word(60)),
                               ("gitlab", "glpat-", word(20)), ("slack", "xoxb-123456789012-", word(24)), ("stripe", "sk_" + "live_", word(24)),
                               ("google", "AIza", word(35)), ("google oauth", "ya29.", word(40)), ("npm", "npm_", word(36)),
                               ("pypi", "pypi-", word(60)), ("openai", "sk-proj-", word(48)), ("twilio", "SK", hexa(32)),
                               ("sendgrid", "SG." + word(22) + ".", word(43)), ("telegram", "123456789:AA", word(33)),
                               ("shopify", "shpat_", hexa(32)), ("digitalocean", "dop_v1_", hexa(64)), ("hugging face", "hf_", word(34)),
                               ("azure", "AccountKey=", word(86) + "=="), ("launchdarkly", "sdk-", uuid()), ("docker", "dckr_pat_", word(27)),
                               ("vault", "hvs.", word(30)), ("discord", "https://discord.com/api/webhooks/1234/", word(60)),
                               ("slack hook", "https://hooks.slack.com/services/T0/B0/", word(24)), ("grafana", "glsa_", word(32) + "_" + hexa(8)),
                               ("heroku", "HRKU-", word(40)), ("databricks", "dapi", hexa(32)), ("newrelic", "NRAK-", upper(27))):
        marked(name, prefix, body)
    add("pem", "-----BEGIN PRIVATE KEY----- MII" + (pem := word(60)) + " -----END PRIVATE KEY-----", pem)
    for name, digits in {"visa": "4" + of("0123456789", 14), "mastercard": "55" + of("0123456789", 13), "amex": "37" + of("0123456789", 12)}.items():
        odd = sum(int(d) for d in digits[-2::-2])
        even = sum(sum(divmod(2 * int(d), 10)) for d in digits[::-2])
        card = digits + str(-(odd + even) % 10)
        add("card " + name, f"card {card} refused", card)
        if name != "amex":
            spaced = " ".join(card[i:i + 4] for i in range(0, 16, 4))
            add("spaced card " + name, f"card {spaced} refused", spaced)
    account = of("0123456789", 18)
    check = 98 - int(account + "131400") % 97
    add("iban", f"pay to DE{check:02d}{account} now", account)
    ssn = f"{rng.randint(100, 599)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
    add("ssn", f"ssn {ssn} given", ssn)
    assert len(out) >= 50
    return out
