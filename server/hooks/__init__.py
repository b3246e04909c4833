"""HTTP of webhooks: `POST /hooks/{source}`, and `/hooks/{tenant}/{source}` of any tenant but the default one."""
