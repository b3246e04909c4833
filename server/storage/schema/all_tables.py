"""Every table of the state, joined to the one MetaData: for what looks at all of them."""

import server.storage.schema.admin_tables
import server.storage.schema.ai_config_tables
import server.storage.schema.ai_gateway_tables
import server.storage.schema.alert_tables
import server.storage.schema.audit_tables
import server.storage.schema.config_tables
import server.storage.schema.connection_tables
import server.storage.schema.context_tables
import server.storage.schema.document_tables
import server.storage.schema.metering_tables
import server.storage.schema.oauth_tables
import server.storage.schema.platform_tables
import server.storage.schema.service_tables
import server.storage.schema.subject_tables
import server.storage.schema.tool_tables
import server.storage.schema.workflows.definition_tables
import server.storage.schema.workflows.schedule_tables
import server.storage.schema.workflows.webhook_tables
import server.storage.schema.workflows.workflow_tables  # noqa: F401  the imports fill the metadata
from server.storage.schema.metadata import metadata

STATE = metadata
