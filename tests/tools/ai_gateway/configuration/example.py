"""One file with something in every section, as an operator might write it."""

EXAMPLE = """
[defaults]
route = "bulk"
first_byte_s = 20
breaker = { failures = 3 }
[providers.openai]
shared_key = true
[providers.house]
dialect = "openai"
base_url = "http://10.1.2.3:8000/v1/"
[models."openai/gpt-5.2"]
context = 400_000
can = ["tools", "images"]
[routes.bulk]
targets = ["workers_ai/@cf/qwen/qwen3-30b-a3b-fp8", "standard"]
[routes.chat]
pick = "weighted"
sticky = "session"
targets = [{ use = "openai/gpt-5.2", weight = 70 }, { use = "anthropic/claude-sonnet-5", weight = 30 }]
cache_s = 3600
semantic = 0.95
[routes.auto]
when = [{ complexity = "simple", use = "bulk" }, { metadata = { plan = "paid" }, use = "chat" }, { use = "standard" }]
[routes.deepseek-chat]
targets = ["deepseek/deepseek-v4-flash"]
sunset = 2026-12-31
[tenants.acme]
route = "standard"
allow = ["bulk", "openai/*"]
deny = ["*secret*"]
[gateways.agents]
tenant = "acme"
requests_per_min = 60
[[budgets]]
name = "acme-month"
tenant = "acme"
window = "month"
usd = 0.1
alerts = [0.05]
over = "bulk"
[[limits]]
key = "*"
requests = 100
per = "hour"
[[prices]]
model = "deepseek/*"
from = 2026-04-24
input = 0.14
output = 0.28
above = [{ input_tokens = 200_000, input = 0.28, output = 0.42 }]
utc = "01:00-04:00"
[[prices]]
model = "workers_ai/*"
from = 2026-04-24
neurons = { per_request = 75, usd_per_1000 = 0.011 }
[[experiments]]
name = "cf"
route = "bulk"
arms = { b = "deepseek-chat" }
share = { b = 0.10 }
hold = { min_calls = 50, error_rate = 0.05 }
"""
