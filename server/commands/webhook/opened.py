"""What the commands of webhooks share: whose they are."""

from server.commands.one_tenant import tenant_option_of

tenant_option = tenant_option_of("Whose webhooks")
