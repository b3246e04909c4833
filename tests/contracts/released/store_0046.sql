BEGIN TRANSACTION;
CREATE TABLE access_tokens (
	token_hash BLOB NOT NULL, 
	grant_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	resource TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	issued_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, environment TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_access_tokens PRIMARY KEY (token_hash)
);
CREATE TABLE admin_invites (
	tenant_id VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	made_by TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_admin_invites PRIMARY KEY (tenant_id, subject_id), 
	CONSTRAINT uq_admin_invites_token_hash UNIQUE (token_hash)
);
CREATE TABLE admin_roles (
	tenant_id VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	reaches_gateway BOOLEAN NOT NULL, 
	given_by TEXT NOT NULL, 
	given_at BIGINT NOT NULL, 
	CONSTRAINT pk_admin_roles PRIMARY KEY (tenant_id, subject_id)
);
CREATE TABLE admin_sessions (
	session_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	credential_id BLOB NOT NULL, 
	browser_hash VARCHAR(64) NOT NULL, 
	proven_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, identity_provider VARCHAR(64) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_admin_sessions PRIMARY KEY (session_hash)
);
CREATE TABLE ai_configs (
	version INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	applied_by TEXT NOT NULL, 
	applied_at BIGINT NOT NULL, 
	CONSTRAINT pk_ai_configs PRIMARY KEY (version)
);
CREATE TABLE ai_experiment_holds (
	name VARCHAR(200) NOT NULL, 
	why TEXT NOT NULL, 
	held_by TEXT NOT NULL, 
	held_at BIGINT NOT NULL, 
	CONSTRAINT pk_ai_experiment_holds PRIMARY KEY (name)
);
CREATE TABLE ai_rollout_steps (
	name VARCHAR(200) NOT NULL, 
	rollout_of TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	reached_at BIGINT NOT NULL, 
	CONSTRAINT pk_ai_rollout_steps PRIMARY KEY (name)
);
CREATE TABLE ai_shadow_comparisons (
	tenant_id VARCHAR(64) NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	arm VARCHAR(200) NOT NULL, 
	at BIGINT NOT NULL, 
	experiment VARCHAR(200) NOT NULL, 
	similarity FLOAT, 
	chars INTEGER NOT NULL, 
	shadow_chars INTEGER NOT NULL, 
	ms FLOAT NOT NULL, 
	shadow_ms FLOAT NOT NULL, 
	cost_nano_usd BIGINT, 
	shadow_cost_nano_usd BIGINT, 
	CONSTRAINT pk_ai_shadow_comparisons PRIMARY KEY (tenant_id, call_id, arm)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0046');
CREATE TABLE alert_groups (
	rule VARCHAR(64) NOT NULL, 
	told_at BIGINT, 
	told_firing TEXT NOT NULL, 
	told_resolved TEXT NOT NULL, 
	waits_from BIGINT, 
	CONSTRAINT pk_alert_groups PRIMARY KEY (rule)
);
CREATE TABLE alert_nodes (
	node VARCHAR(128) NOT NULL, 
	at BIGINT NOT NULL, 
	figures TEXT NOT NULL, 
	CONSTRAINT pk_alert_nodes PRIMARY KEY (node)
);
CREATE TABLE alert_outbox (
	delivery_id VARCHAR(32) NOT NULL, 
	sink VARCHAR(64) NOT NULL, 
	rule VARCHAR(64) NOT NULL, 
	message TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	next_at BIGINT NOT NULL, 
	error TEXT NOT NULL, 
	CONSTRAINT pk_alert_outbox PRIMARY KEY (delivery_id)
);
CREATE TABLE alert_states (
	rule VARCHAR(64) NOT NULL, 
	mark VARCHAR(32) NOT NULL, 
	labels TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	summary TEXT NOT NULL, 
	began_at BIGINT NOT NULL, 
	fired_at BIGINT, 
	gone_at BIGINT, 
	resolved_at BIGINT, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_alert_states PRIMARY KEY (rule, mark)
);
CREATE TABLE alert_watch (
	name VARCHAR(16) NOT NULL, 
	holder TEXT NOT NULL, 
	until BIGINT NOT NULL, 
	memory TEXT NOT NULL, 
	CONSTRAINT pk_alert_watch PRIMARY KEY (name)
);
CREATE TABLE audit_ends (
	name VARCHAR(16) NOT NULL, 
	last_seq BIGINT NOT NULL, 
	last_hash VARCHAR(64) NOT NULL, 
	swept_seq BIGINT NOT NULL, 
	swept_hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_ends PRIMARY KEY (name)
);
CREATE TABLE authorization_codes (
	code_hash BLOB NOT NULL, 
	grant_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	redirect_uri TEXT NOT NULL, 
	code_challenge VARCHAR(64) NOT NULL, 
	failed_tries INTEGER NOT NULL, 
	used_at BIGINT, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_authorization_codes PRIMARY KEY (code_hash)
);
CREATE TABLE authorization_requests (
	request_hash BLOB NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	browser VARCHAR(128) NOT NULL, 
	request TEXT NOT NULL, 
	device_code_hash BLOB, 
	answered_at BIGINT, 
	reply_box BLOB, 
	expires_at BIGINT NOT NULL, client_id VARCHAR(512) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_authorization_requests PRIMARY KEY (request_hash)
);
CREATE TABLE browser_sessions (
	session_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	browser_hash VARCHAR(64) NOT NULL, 
	binding VARCHAR(64) NOT NULL, 
	methods TEXT NOT NULL, 
	authenticated_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_browser_sessions PRIMARY KEY (session_hash, tenant_id)
);
CREATE TABLE budget_counters (
	counter_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	budget TEXT NOT NULL, 
	whose TEXT NOT NULL, 
	window_start BIGINT NOT NULL, 
	window_end BIGINT, 
	spent_nano_usd BIGINT NOT NULL, 
	spent_tokens BIGINT NOT NULL, 
	reserved_nano_usd BIGINT NOT NULL, 
	reserved_tokens BIGINT NOT NULL, 
	alerted TEXT NOT NULL, 
	CONSTRAINT pk_budget_counters PRIMARY KEY (counter_id)
);
CREATE TABLE budget_reservations (
	reservation_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	counters TEXT NOT NULL, 
	nano_usd BIGINT NOT NULL, 
	tokens BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	spent_nano_usd BIGINT NOT NULL, 
	spent_tokens BIGINT NOT NULL, 
	CONSTRAINT pk_budget_reservations PRIMARY KEY (reservation_id)
);
CREATE TABLE "call_records_before" (
	seq INTEGER NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	tool TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	auth_method VARCHAR(32) NOT NULL, 
	duration_ms FLOAT NOT NULL, 
	success BOOLEAN NOT NULL, 
	error_code VARCHAR(64), 
	trace_id VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	client TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	CONSTRAINT pk_call_records PRIMARY KEY (seq)
);
CREATE TABLE caller_keys (
	tenant_id VARCHAR(64) NOT NULL, 
	key_id VARCHAR(64) NOT NULL, 
	key_hash BLOB NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	user VARCHAR(254) NOT NULL, 
	allow TEXT, 
	budget_nano_usd BIGINT, 
	budget_window VARCHAR(16) NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_used_at BIGINT, 
	revoked_at BIGINT, 
	CONSTRAINT pk_caller_keys PRIMARY KEY (tenant_id, key_id), 
	CONSTRAINT uq_caller_keys_key_hash UNIQUE (key_hash)
);
CREATE TABLE changes (
	seq INTEGER NOT NULL, 
	topic VARCHAR(32) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	item TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, transaction_id BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_changes PRIMARY KEY (seq)
);
CREATE TABLE chunks (
	tenant_id VARCHAR(64) NOT NULL, 
	document_id BIGINT NOT NULL, 
	n INTEGER NOT NULL, 
	start INTEGER NOT NULL, 
	"end" INTEGER NOT NULL, 
	page INTEGER, 
	heading TEXT NOT NULL, 
	CONSTRAINT pk_chunks PRIMARY KEY (tenant_id, document_id, n)
);
CREATE TABLE claims (
	tenant_id VARCHAR(64) NOT NULL, 
	claim_id BIGINT NOT NULL, 
	episode_id BIGINT NOT NULL, 
	audience TEXT NOT NULL, 
	subject_id BIGINT NOT NULL, 
	predicate TEXT NOT NULL, 
	object_id BIGINT, 
	value TEXT, 
	said BIGINT NOT NULL, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	confidence FLOAT NOT NULL, 
	method VARCHAR(16) NOT NULL, 
	occurred_at BIGINT NOT NULL, 
	recorded_at BIGINT NOT NULL, 
	withdrawn_at BIGINT, 
	start BIGINT, 
	"end" BIGINT, added_by BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (tenant_id, claim_id)
);
CREATE TABLE config_versions (
	version INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	applied_by TEXT NOT NULL, 
	applied_at BIGINT NOT NULL, 
	CONSTRAINT pk_config_versions PRIMARY KEY (version)
);
CREATE TABLE connect_flows (
	flow_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	client_id TEXT NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	scopes TEXT NOT NULL, 
	account_id VARCHAR(64) NOT NULL, 
	alias VARCHAR(128) NOT NULL, 
	wish VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	trip_hash VARCHAR(64), 
	browser VARCHAR(64) DEFAULT '' NOT NULL, 
	trip BLOB, 
	trip_dek_id VARCHAR(32), 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_connect_flows PRIMARY KEY (flow_hash), 
	CONSTRAINT uq_connect_flows_trip_hash UNIQUE (trip_hash)
);
CREATE TABLE connections (
	account_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	alias VARCHAR(128) NOT NULL, 
	external_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	scopes TEXT, 
	state VARCHAR(16) NOT NULL, 
	version INTEGER NOT NULL, 
	is_default BOOLEAN NOT NULL, 
	registered_by VARCHAR(64) NOT NULL, 
	api_base TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	refresh_due_at BIGINT, 
	fail_count INTEGER NOT NULL, 
	last_error VARCHAR(64) NOT NULL, 
	lease_owner VARCHAR(64), 
	lease_until BIGINT, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_connections PRIMARY KEY (account_id), 
	CONSTRAINT uq_connections_alias UNIQUE (tenant_id, subject, provider, alias)
);
CREATE TABLE consents (
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	redirect_uri VARCHAR(512) NOT NULL, 
	resource VARCHAR(512) NOT NULL, 
	scopes TEXT NOT NULL, 
	document_hash VARCHAR(64) NOT NULL, 
	granted_at BIGINT NOT NULL, left_out TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_consents PRIMARY KEY (tenant_id, subject, client_id, redirect_uri, resource)
);
CREATE TABLE context_person_totals (
	tenant_id VARCHAR(64) NOT NULL, 
	added_by BIGINT NOT NULL, 
	claims BIGINT NOT NULL, 
	content_bytes BIGINT NOT NULL, 
	CONSTRAINT pk_context_person_totals PRIMARY KEY (tenant_id, added_by)
);
CREATE TABLE context_revisions (
	tenant_id VARCHAR(64) NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_context_revisions PRIMARY KEY (tenant_id)
);
CREATE TABLE context_totals (
	tenant_id VARCHAR(64) NOT NULL, 
	changed_at BIGINT NOT NULL, 
	facts BIGINT NOT NULL, 
	claims BIGINT NOT NULL, 
	entities BIGINT NOT NULL, 
	content_bytes BIGINT NOT NULL, 
	CONSTRAINT pk_context_totals PRIMARY KEY (tenant_id)
);
CREATE TABLE device_codes (
	device_hash BLOB NOT NULL, 
	user_code VARCHAR(16) NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	resource TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	interval_us BIGINT NOT NULL, 
	last_polled_at BIGINT, 
	grant_id VARCHAR(64), 
	denied BOOLEAN NOT NULL, 
	used BOOLEAN NOT NULL, 
	CONSTRAINT pk_device_codes PRIMARY KEY (device_hash), 
	CONSTRAINT uq_device_codes_user_code UNIQUE (user_code)
);
CREATE TABLE document_contents (
	tenant_id VARCHAR(64) NOT NULL, 
	document_id BIGINT NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_document_contents PRIMARY KEY (tenant_id, document_id)
);
CREATE TABLE documents (
	tenant_id VARCHAR(64) NOT NULL, 
	document_id BIGINT NOT NULL, 
	audience TEXT NOT NULL, 
	added_by TEXT NOT NULL, 
	name TEXT NOT NULL, 
	media_type TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	error TEXT, 
	text TEXT, 
	metadata JSON NOT NULL, 
	url TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	ready_at BIGINT, 
	chars BIGINT NOT NULL, 
	pages INTEGER NOT NULL, 
	chunks INTEGER NOT NULL, 
	notes TEXT NOT NULL, 
	changed_in BIGINT, 
	claim BIGINT, 
	claimed_until BIGINT, 
	attempts INTEGER NOT NULL, 
	CONSTRAINT pk_documents PRIMARY KEY (tenant_id, document_id), 
	CONSTRAINT uq_documents_content UNIQUE (tenant_id, audience, sha256)
);
CREATE TABLE documents_gone (
	tenant_id VARCHAR(64) NOT NULL, 
	document_id BIGINT NOT NULL, 
	chunks INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	gone_at BIGINT NOT NULL, 
	CONSTRAINT pk_documents_gone PRIMARY KEY (tenant_id, document_id)
);
CREATE TABLE entities (
	tenant_id VARCHAR(64) NOT NULL, 
	entity_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	normal_name TEXT NOT NULL, 
	merged_into BIGINT, 
	CONSTRAINT pk_entities PRIMARY KEY (tenant_id, entity_id)
);
CREATE TABLE entity_keys (
	tenant_id VARCHAR(64) NOT NULL, 
	key_kind VARCHAR(64) NOT NULL, 
	"key" TEXT NOT NULL, 
	entity_id BIGINT NOT NULL, 
	CONSTRAINT pk_entity_keys PRIMARY KEY (tenant_id, key_kind, "key", entity_id)
);
CREATE TABLE entity_links (
	tenant_id VARCHAR(64) NOT NULL, 
	entity_id BIGINT NOT NULL, 
	linked_at BIGINT NOT NULL, 
	into_id BIGINT NOT NULL, 
	linked_by TEXT NOT NULL, 
	unlinked_at BIGINT, 
	CONSTRAINT pk_entity_links PRIMARY KEY (tenant_id, entity_id, linked_at)
);
CREATE TABLE episodes (
	tenant_id VARCHAR(64) NOT NULL, 
	episode_id BIGINT NOT NULL, 
	audience TEXT NOT NULL, 
	source TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	kind TEXT NOT NULL, 
	occurred_at BIGINT NOT NULL, 
	recorded_at BIGINT NOT NULL, 
	author TEXT NOT NULL, 
	url TEXT NOT NULL, 
	content TEXT NOT NULL, added_by BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_episodes PRIMARY KEY (tenant_id, episode_id)
);
CREATE TABLE extractions (
	tenant_id VARCHAR(64) NOT NULL, 
	episode_id BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	facts INTEGER NOT NULL, 
	dropped INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	next_at BIGINT, 
	CONSTRAINT pk_extractions PRIMARY KEY (tenant_id, episode_id)
);
CREATE TABLE fact_tombstones (
	tenant_id VARCHAR(64) NOT NULL, 
	revision BIGINT NOT NULL, 
	fact_id BIGINT NOT NULL, gone_at BIGINT DEFAULT '1795865742809741' NOT NULL, 
	CONSTRAINT pk_fact_tombstones PRIMARY KEY (tenant_id, revision)
);
CREATE TABLE facts (
	tenant_id VARCHAR(64) NOT NULL, 
	fact_id BIGINT NOT NULL, 
	audience TEXT NOT NULL, 
	subject_id BIGINT NOT NULL, 
	predicate TEXT NOT NULL, 
	object_id BIGINT, 
	value TEXT, 
	said BIGINT NOT NULL, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	confidence FLOAT NOT NULL, 
	text TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	recorded_at BIGINT NOT NULL, 
	retired_at BIGINT, 
	claim_ids TEXT NOT NULL, 
	changed_in BIGINT NOT NULL, 
	CONSTRAINT pk_facts PRIMARY KEY (tenant_id, fact_id)
);
CREATE TABLE federated_sign_ins (
	state_hash VARCHAR(64) NOT NULL, 
	browser_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	slug VARCHAR(64) NOT NULL, 
	nonce TEXT NOT NULL, 
	code_verifier TEXT NOT NULL, 
	onward TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_federated_sign_ins PRIMARY KEY (state_hash)
);
CREATE TABLE grants (
	grant_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	resource TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	grant_type VARCHAR(32) NOT NULL, 
	native BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	revoke_reason VARCHAR(64) DEFAULT '' NOT NULL, left_out TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (grant_id)
);
CREATE TABLE held_tools (
	tenant_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(128) NOT NULL, 
	tool_hash VARCHAR(64) NOT NULL, 
	concerns VARCHAR(64) NOT NULL, 
	reason VARCHAR(16) NOT NULL, 
	held TEXT NOT NULL, 
	held_at BIGINT NOT NULL, 
	CONSTRAINT pk_held_tools PRIMARY KEY (tenant_id, provider, tool_hash, concerns)
);
CREATE TABLE idempotency_keys (
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	key_hash VARCHAR(64) NOT NULL, 
	request_hash VARCHAR(64) NOT NULL, 
	outcome BLOB, 
	claimed_until BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (tenant_id, subject, key_hash)
);
CREATE TABLE identity_links (
	tenant_id VARCHAR(64) NOT NULL, 
	issuer VARCHAR(512) NOT NULL, 
	external_sub VARCHAR(255) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	linked_at BIGINT NOT NULL, 
	CONSTRAINT pk_identity_links PRIMARY KEY (tenant_id, issuer, external_sub)
);
CREATE TABLE identity_pairs (
	tenant_id VARCHAR(64) NOT NULL, 
	one_id BIGINT NOT NULL, 
	other_id BIGINT NOT NULL, 
	similarity FLOAT NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_at BIGINT, 
	asked_at BIGINT, 
	verdict VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	judged_by TEXT NOT NULL, 
	decision VARCHAR(16) NOT NULL, 
	decided_by TEXT NOT NULL, 
	decided_at BIGINT, 
	CONSTRAINT pk_identity_pairs PRIMARY KEY (tenant_id, one_id, other_id)
);
CREATE TABLE identity_positions (
	tenant_id VARCHAR(64) NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_identity_positions PRIMARY KEY (tenant_id)
);
CREATE TABLE identity_providers (
	tenant_id VARCHAR(64) NOT NULL, 
	slug VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	issuer TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	CONSTRAINT pk_identity_providers PRIMARY KEY (tenant_id, slug)
);
CREATE TABLE kv_audit (
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	actor TEXT NOT NULL, 
	surface VARCHAR(16) NOT NULL, 
	action TEXT NOT NULL, 
	target TEXT NOT NULL, 
	details TEXT NOT NULL, 
	trace_id VARCHAR(32) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_kv_audit PRIMARY KEY (seq)
);
CREATE TABLE leases (
	name VARCHAR(64) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE model_call_feedback (
	tenant_id VARCHAR(64) NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	score FLOAT NOT NULL, 
	comment TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_model_call_feedback PRIMARY KEY (tenant_id, call_id)
);
CREATE TABLE model_call_payloads (
	tenant_id VARCHAR(64) NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	request TEXT NOT NULL, 
	answer TEXT NOT NULL, 
	CONSTRAINT pk_model_call_payloads PRIMARY KEY (tenant_id, call_id)
);
CREATE TABLE model_calls (
	tenant_id VARCHAR(64) NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	gateway TEXT NOT NULL, 
	key_id VARCHAR(64) NOT NULL, 
	user TEXT NOT NULL, 
	route TEXT NOT NULL, 
	requested TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	model TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	is_stream BOOLEAN NOT NULL, 
	attempts TEXT NOT NULL, 
	cache VARCHAR(16) NOT NULL, 
	experiment TEXT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	cached_input_tokens BIGINT NOT NULL, 
	cache_write_tokens BIGINT NOT NULL, 
	cache_write_1h_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	is_estimated BOOLEAN NOT NULL, 
	cost_nano_usd BIGINT, 
	price_from TEXT NOT NULL, 
	ttft_ms FLOAT, 
	ms FLOAT NOT NULL, 
	overhead_ms FLOAT NOT NULL, 
	metadata TEXT NOT NULL, 
	trace_id VARCHAR(64) NOT NULL, 
	decision TEXT NOT NULL, 
	CONSTRAINT pk_model_calls PRIMARY KEY (tenant_id, call_id)
);
CREATE TABLE oauth_clients (
	client_id VARCHAR(512) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	tenant_id VARCHAR(64), 
	name TEXT NOT NULL, 
	metadata TEXT NOT NULL, 
	auth_method VARCHAR(32) NOT NULL, 
	secret_hash BLOB, 
	registration_hash BLOB, 
	registered_from VARCHAR(64) DEFAULT '' NOT NULL, 
	document_hash VARCHAR(64) DEFAULT '' NOT NULL, 
	document_fetched_at BIGINT DEFAULT '0' NOT NULL, 
	document_fresh_until BIGINT DEFAULT '0' NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_used_at BIGINT, 
	expires_at BIGINT, 
	disabled BOOLEAN NOT NULL, 
	CONSTRAINT pk_oauth_clients PRIMARY KEY (client_id)
);
CREATE TABLE operation_charges (
	tenant_id VARCHAR(64) NOT NULL, 
	charge_id VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	provider TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	cost_nano_usd BIGINT NOT NULL, 
	trace_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_operation_charges PRIMARY KEY (tenant_id, charge_id)
);
CREATE TABLE operations (
	tenant_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(128) NOT NULL, 
	operation_id VARCHAR(256) NOT NULL, 
	access VARCHAR(16) NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	definition TEXT NOT NULL, 
	binding TEXT NOT NULL, 
	input_schema TEXT NOT NULL, 
	output_schema TEXT, 
	CONSTRAINT pk_operations PRIMARY KEY (tenant_id, provider, operation_id)
);
CREATE TABLE passkey_challenges (
	challenge_hash VARCHAR(64) NOT NULL, 
	browser_hash VARCHAR(64) NOT NULL, 
	purpose TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_passkey_challenges PRIMARY KEY (challenge_hash)
);
CREATE TABLE passkeys (
	credential_id BLOB NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	backed_up BOOLEAN NOT NULL, 
	aaguid VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_used_at BIGINT, counts BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_passkeys PRIMARY KEY (credential_id)
);
CREATE TABLE pending_plans (
	call_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	sealed BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_pending_plans PRIMARY KEY (call_hash)
);
CREATE TABLE plan_steps (
	handle_hash VARCHAR(64) NOT NULL, 
	step_id VARCHAR(255) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	result BLOB NOT NULL, 
	CONSTRAINT pk_plan_steps PRIMARY KEY (handle_hash, step_id)
);
CREATE TABLE plans (
	handle_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	"plan" BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_plans PRIMARY KEY (handle_hash)
);
CREATE TABLE predicates (
	tenant_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	cardinality VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_predicates PRIMARY KEY (tenant_id, name)
);
CREATE TABLE provider_registrations (
	tenant_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(64) NOT NULL, 
	client_id TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_provider_registrations PRIMARY KEY (tenant_id, provider)
);
CREATE TABLE pushed_requests (
	handle_hash BLOB NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	parameters TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_pushed_requests PRIMARY KEY (handle_hash)
);
CREATE TABLE refresh_tokens (
	token_hash BLOB NOT NULL, 
	grant_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	generation INTEGER NOT NULL, 
	issued_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	rotated_at BIGINT, 
	reply_box BLOB, environment TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_refresh_tokens PRIMARY KEY (token_hash)
);
CREATE TABLE results (
	handle_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	media_type TEXT NOT NULL, 
	body BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_results PRIMARY KEY (handle_hash)
);
CREATE TABLE schedule_runs (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	slot BIGINT NOT NULL, 
	cause VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	run_id TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	missed INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	report TEXT, 
	CONSTRAINT pk_schedule_runs PRIMARY KEY (tenant_id, name, slot)
);
CREATE TABLE schedules (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	workflow VARCHAR(64) NOT NULL, 
	cron TEXT NOT NULL, 
	zone VARCHAR(64) NOT NULL, 
	given TEXT NOT NULL, 
	acts_for TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	origin VARCHAR(16) NOT NULL, 
	is_paused BOOLEAN NOT NULL, 
	next_at BIGINT, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_schedules PRIMARY KEY (tenant_id, name)
);
CREATE TABLE security_events (
	seq INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	client_id VARCHAR(512) NOT NULL, 
	grant_id VARCHAR(64) NOT NULL, 
	facts TEXT NOT NULL, 
	CONSTRAINT pk_security_events PRIMARY KEY (seq)
);
CREATE TABLE service_principals (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	machine_id VARCHAR(64) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	reaches_gateway BOOLEAN NOT NULL, 
	cidrs TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_service_principals PRIMARY KEY (tenant_id, name), 
	CONSTRAINT uq_service_principals_machine_id UNIQUE (machine_id)
);
CREATE TABLE share_links (
	link_id VARCHAR(32) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	metrics TEXT NOT NULL, 
	range VARCHAR(16) NOT NULL, 
	made_by TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_share_links PRIMARY KEY (link_id), 
	CONSTRAINT uq_share_links_token_hash UNIQUE (token_hash)
);
CREATE TABLE signal_evaluations (
	tenant_id VARCHAR(64) NOT NULL, 
	evaluation_id BIGINT NOT NULL, 
	signal TEXT NOT NULL, 
	rule_version TEXT NOT NULL, 
	subject_id BIGINT NOT NULL, 
	verdict TEXT NOT NULL, 
	score FLOAT NOT NULL, 
	reason TEXT NOT NULL, 
	fact_ids TEXT NOT NULL, 
	evaluated_at BIGINT NOT NULL, 
	run_id TEXT NOT NULL, 
	CONSTRAINT pk_signal_evaluations PRIMARY KEY (tenant_id, evaluation_id)
);
CREATE TABLE silences (
	silence_id VARCHAR(32) NOT NULL, 
	matchers TEXT NOT NULL, 
	why TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	CONSTRAINT pk_silences PRIMARY KEY (silence_id)
);
CREATE TABLE sources (
	tenant_id VARCHAR(64) NOT NULL, 
	provider VARCHAR(128) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	location TEXT NOT NULL, 
	title TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	imported_at BIGINT NOT NULL, 
	CONSTRAINT pk_sources PRIMARY KEY (tenant_id, provider)
);
CREATE TABLE static_tokens (
	token_hash BLOB NOT NULL, 
	token_id VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject VARCHAR(128) NOT NULL, 
	label TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_used_at BIGINT, 
	calls BIGINT NOT NULL, environment TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_static_tokens PRIMARY KEY (token_hash), 
	CONSTRAINT uq_static_tokens_token_id UNIQUE (token_id)
);
CREATE TABLE store_facts (
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_store_facts PRIMARY KEY (name)
);
INSERT INTO "store_facts" VALUES('works_with:alembic_version','0046');
CREATE TABLE subjects (
	tenant_id VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	display_name TEXT DEFAULT '' NOT NULL, 
	disabled BOOLEAN NOT NULL, 
	allowed_scopes TEXT, 
	identity_provider VARCHAR(64) DEFAULT '' NOT NULL, 
	password_hash TEXT, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_subjects PRIMARY KEY (tenant_id, subject_id)
);
CREATE TABLE tasks (
	handle_hash VARCHAR(64) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	message TEXT, 
	payload BLOB, 
	work BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	owner VARCHAR(32) NOT NULL, 
	lease_until BIGINT NOT NULL, 
	is_stopping BOOLEAN NOT NULL, 
	version BIGINT NOT NULL, 
	CONSTRAINT pk_tasks PRIMARY KEY (handle_hash)
);
CREATE TABLE tenants (
	tenant_id VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	settings TEXT DEFAULT '{}' NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_tenants PRIMARY KEY (tenant_id)
);
CREATE TABLE trust_policies (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	machine_id VARCHAR(64) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	reaches_gateway BOOLEAN NOT NULL, 
	issuer VARCHAR(512) NOT NULL, 
	jwks_uri VARCHAR(512) NOT NULL, 
	audience TEXT NOT NULL, 
	claims TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	CONSTRAINT pk_trust_policies PRIMARY KEY (tenant_id, name), 
	CONSTRAINT uq_trust_policies_machine_id UNIQUE (machine_id)
);
CREATE TABLE usage_examples (
	tenant_id VARCHAR(64) NOT NULL, 
	operation_id VARCHAR(256) NOT NULL, 
	intent VARCHAR(400) NOT NULL, 
	uses INTEGER NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_usage_examples PRIMARY KEY (tenant_id, operation_id, intent)
);
CREATE TABLE used_assertions (
	issuer VARCHAR(512) NOT NULL, 
	assertion_id VARCHAR(255) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_used_assertions PRIMARY KEY (issuer, assertion_id)
);
CREATE TABLE vault_events (
	seq INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	actor TEXT NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	purpose TEXT NOT NULL, 
	CONSTRAINT pk_vault_events PRIMARY KEY (seq)
);
CREATE TABLE vault_keys (
	dek_id VARCHAR(32) NOT NULL, 
	tenant_id VARCHAR(64) NOT NULL, 
	kek_id VARCHAR(32) NOT NULL, 
	wrapped BLOB NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_vault_keys PRIMARY KEY (dek_id)
);
CREATE TABLE vault_marks (
	tenant_id VARCHAR(64) NOT NULL, 
	dek_id VARCHAR(32) NOT NULL, 
	sealed BLOB NOT NULL, 
	CONSTRAINT pk_vault_marks PRIMARY KEY (tenant_id)
);
CREATE TABLE vault_secrets (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(400) NOT NULL, 
	version INTEGER NOT NULL, 
	dek_id VARCHAR(32) NOT NULL, 
	sealed BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_vault_secrets PRIMARY KEY (tenant_id, name, version)
);
CREATE TABLE webhook_inbox (
	tenant_id VARCHAR(64) NOT NULL, 
	delivery_id VARCHAR(32) NOT NULL, 
	source VARCHAR(64) NOT NULL, 
	event_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	event_mark VARCHAR(64) NOT NULL, 
	content_mark VARCHAR(64), 
	workflow VARCHAR(64) NOT NULL, 
	acts_for TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	replays INTEGER NOT NULL, 
	media_type VARCHAR(100) NOT NULL, 
	body BLOB, 
	body_bytes INTEGER NOT NULL, 
	body_until BIGINT NOT NULL, 
	CONSTRAINT pk_webhook_inbox PRIMARY KEY (tenant_id, delivery_id), 
	CONSTRAINT uq_webhook_inbox_event UNIQUE (tenant_id, source, event_mark), 
	CONSTRAINT uq_webhook_inbox_content UNIQUE (tenant_id, source, content_mark)
);
CREATE TABLE webhook_seen (
	tenant_id VARCHAR(64) NOT NULL, 
	source VARCHAR(64) NOT NULL, 
	mark VARCHAR(64) NOT NULL, 
	delivery_id VARCHAR(32) NOT NULL, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_webhook_seen PRIMARY KEY (tenant_id, source, mark)
);
CREATE TABLE webhooks (
	tenant_id VARCHAR(64) NOT NULL, 
	source VARCHAR(64) NOT NULL, 
	scheme VARCHAR(16) NOT NULL, 
	secrets TEXT NOT NULL, 
	workflow VARCHAR(64) NOT NULL, 
	acts_for TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	particulars TEXT, 
	body_kept_days INTEGER NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_webhooks PRIMARY KEY (tenant_id, source)
);
CREATE TABLE workflow_definitions (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	agreed TEXT NOT NULL, 
	listed TEXT NOT NULL, 
	accepted_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_workflow_definitions PRIMARY KEY (tenant_id, name, version)
);
CREATE TABLE workflow_executors (
	executor_id VARCHAR(32) NOT NULL, 
	beat BIGINT NOT NULL, 
	beat_at BIGINT NOT NULL, 
	CONSTRAINT pk_workflow_executors PRIMARY KEY (executor_id)
);
CREATE TABLE workflow_marks (
	tenant_id VARCHAR(64) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	value TEXT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT pk_workflow_marks PRIMARY KEY (tenant_id, name)
);
CREATE TABLE workflow_runs (
	tenant_id VARCHAR(64) NOT NULL, 
	run_id VARCHAR(400) NOT NULL, 
	workflow VARCHAR(64) NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	given TEXT NOT NULL, 
	acts_for TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	started_by VARCHAR(16) NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	due_at BIGINT, 
	owner VARCHAR(32), 
	attempt INTEGER NOT NULL, 
	losses INTEGER NOT NULL, 
	cancel_asked BOOLEAN NOT NULL, 
	result TEXT, 
	failure TEXT, trace_id VARCHAR(64) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_workflow_runs PRIMARY KEY (tenant_id, run_id)
);
CREATE TABLE workflow_signals (
	tenant_id VARCHAR(64) NOT NULL, 
	run_id VARCHAR(400) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	value TEXT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	taken_by VARCHAR(200), 
	CONSTRAINT pk_workflow_signals PRIMARY KEY (tenant_id, run_id, name, "key")
);
CREATE TABLE workflow_steps (
	tenant_id VARCHAR(64) NOT NULL, 
	run_id VARCHAR(400) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	wakes_at BIGINT, 
	result TEXT, 
	failure TEXT, 
	CONSTRAINT pk_workflow_steps PRIMARY KEY (tenant_id, run_id, name)
);
CREATE TABLE workflow_totals (
	tenant_id VARCHAR(64) NOT NULL, 
	acts_for TEXT NOT NULL, 
	kept_bytes BIGINT NOT NULL, 
	CONSTRAINT pk_workflow_totals PRIMARY KEY (tenant_id, acts_for)
);
CREATE INDEX ix_changes_changed_at ON changes (changed_at);
CREATE INDEX ix_oauth_clients_created_at ON oauth_clients (created_at);
CREATE INDEX ix_oauth_clients_expires_at ON oauth_clients (expires_at);
CREATE INDEX ix_authorization_requests_expires_at ON authorization_requests (expires_at);
CREATE INDEX ix_pushed_requests_expires_at ON pushed_requests (expires_at);
CREATE INDEX ix_grants_client_id ON grants (client_id);
CREATE INDEX ix_grants_expires_at ON grants (expires_at);
CREATE INDEX ix_grants_subject ON grants (tenant_id, subject, client_id);
CREATE INDEX ix_authorization_codes_grant_id ON authorization_codes (grant_id);
CREATE INDEX ix_access_tokens_grant_id ON access_tokens (grant_id);
CREATE INDEX ix_access_tokens_expires_at ON access_tokens (expires_at);
CREATE INDEX ix_refresh_tokens_grant_id ON refresh_tokens (grant_id);
CREATE INDEX ix_refresh_tokens_rotated_at ON refresh_tokens (rotated_at);
CREATE INDEX ix_device_codes_expires_at ON device_codes (expires_at);
CREATE INDEX ix_used_assertions_expires_at ON used_assertions (expires_at);
CREATE INDEX ix_static_tokens_tenant_id ON static_tokens (tenant_id);
CREATE INDEX ix_security_events_at ON security_events (at);
CREATE INDEX ix_security_events_tenant ON security_events (tenant_id, seq);
CREATE UNIQUE INDEX uq_subjects_local_email ON subjects (tenant_id, email) WHERE identity_provider = '';
CREATE INDEX ix_browser_sessions_expires_at ON browser_sessions (expires_at);
CREATE INDEX ix_browser_sessions_subject ON browser_sessions (tenant_id, subject_id);
CREATE INDEX ix_passkeys_subject ON passkeys (tenant_id, subject_id);
CREATE INDEX ix_passkey_challenges_browser_hash ON passkey_challenges (browser_hash);
CREATE INDEX ix_passkey_challenges_expires_at ON passkey_challenges (expires_at);
CREATE INDEX ix_federated_sign_ins_browser_hash ON federated_sign_ins (browser_hash);
CREATE INDEX ix_federated_sign_ins_expires_at ON federated_sign_ins (expires_at);
CREATE INDEX ix_results_expires_at ON results (expires_at);
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);
CREATE INDEX ix_plans_expires_at ON plans (expires_at);
CREATE INDEX ix_vault_keys_tenant_id ON vault_keys (tenant_id);
CREATE UNIQUE INDEX uq_vault_keys_active ON vault_keys (tenant_id) WHERE is_active;
CREATE INDEX ix_vault_secrets_dek_id ON vault_secrets (dek_id);
CREATE INDEX ix_vault_events_tenant_id ON vault_events (tenant_id);
CREATE INDEX ix_connections_refresh_due_at ON connections (refresh_due_at);
CREATE INDEX ix_connect_flows_expires_at ON connect_flows (expires_at);
CREATE INDEX ix_changes_transaction_id ON changes (transaction_id);
CREATE INDEX ix_results_owner ON results (tenant_id, subject);
CREATE INDEX ix_plans_owner ON plans (tenant_id, subject);
CREATE INDEX ix_model_calls_at ON model_calls (at);
CREATE INDEX ix_model_calls_tenant_at ON model_calls (tenant_id, at);
CREATE INDEX ix_budget_counters_window_end ON budget_counters (window_end);
CREATE INDEX ix_budget_counters_budget ON budget_counters (budget, tenant_id);
CREATE INDEX ix_budget_reservations_state ON budget_reservations (state, expires_at);
CREATE INDEX ix_authorization_requests_tenant ON authorization_requests (tenant_id, expires_at);
CREATE INDEX ix_device_codes_tenant ON device_codes (tenant_id, expires_at);
CREATE INDEX ix_connect_flows_tenant ON connect_flows (tenant_id, expires_at);
CREATE INDEX ix_model_call_feedback_at ON model_call_feedback (at);
CREATE INDEX ix_operation_charges_at ON operation_charges (at);
CREATE INDEX ix_model_call_payloads_at ON model_call_payloads (at);
CREATE INDEX ix_model_call_payloads_tenant_at ON model_call_payloads (tenant_id, at);
CREATE INDEX ix_ai_shadow_comparisons_experiment ON ai_shadow_comparisons (experiment, at);
CREATE INDEX ix_documents_name ON documents (tenant_id, audience, name);
CREATE INDEX ix_documents_changed ON documents (tenant_id, changed_in);
CREATE INDEX ix_documents_status ON documents (status, created_at);
CREATE INDEX ix_documents_gone_revision ON documents_gone (tenant_id, revision);
CREATE UNIQUE INDEX uq_episodes_source ON episodes (tenant_id, audience, source, source_id, content_hash);
CREATE INDEX ix_entities_name ON entities (tenant_id, normal_name, kind);
CREATE INDEX ix_entities_merged_into ON entities (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ix_entity_keys_entity ON entity_keys (tenant_id, entity_id);
CREATE INDEX ix_entity_links_into ON entity_links (tenant_id, into_id);
CREATE INDEX ix_claims_group ON claims (tenant_id, subject_id, predicate, said);
CREATE INDEX ix_claims_episode ON claims (tenant_id, episode_id);
CREATE INDEX ix_claims_object ON claims (tenant_id, object_id) WHERE object_id IS NOT NULL;
CREATE INDEX ix_facts_group ON facts (tenant_id, subject_id, predicate, said);
CREATE INDEX ix_facts_changed_in ON facts (tenant_id, changed_in);
CREATE INDEX ix_signal_evaluations_subject ON signal_evaluations (tenant_id, subject_id, signal);
CREATE INDEX ix_workflow_runs_due ON workflow_runs (owner, due_at);
CREATE INDEX ix_workflow_runs_created ON workflow_runs (tenant_id, created_at);
CREATE INDEX ix_workflow_runs_ended ON workflow_runs (ended_at, tenant_id);
CREATE INDEX ix_kv_audit_at ON kv_audit (at);
CREATE INDEX ix_kv_audit_tenant ON kv_audit (tenant_id, seq);
CREATE INDEX ix_identity_pairs_other ON identity_pairs (tenant_id, other_id);
CREATE INDEX ix_schedules_next_at ON schedules (next_at);
CREATE INDEX ix_schedule_runs_started_at ON schedule_runs (started_at);
CREATE INDEX ix_schedule_runs_unended ON schedule_runs (tenant_id, name) WHERE state = 'started';
CREATE INDEX ix_fact_tombstones_gone_at ON fact_tombstones (gone_at);
CREATE INDEX ix_webhook_inbox_received ON webhook_inbox (tenant_id, received_at);
CREATE INDEX ix_webhook_inbox_kept ON webhook_inbox (tenant_id, body_bytes);
CREATE INDEX ix_webhook_inbox_until ON webhook_inbox (body_until);
CREATE INDEX ix_tasks_expires_at ON tasks (expires_at);
CREATE INDEX ix_tasks_owner ON tasks (tenant_id, subject);
CREATE INDEX ix_tasks_process ON tasks (owner);
CREATE INDEX ix_episodes_source_id ON episodes (tenant_id, source, source_id);
CREATE INDEX ix_episodes_occurred_at ON episodes (tenant_id, source, occurred_at);
CREATE INDEX ix_call_records_before_tenant_time ON call_records_before (tenant, time);
CREATE INDEX ix_model_calls_trace_id ON model_calls (trace_id);
CREATE INDEX ix_kv_audit_trace_id ON kv_audit (trace_id) WHERE trace_id <> '';
CREATE INDEX ix_admin_invites_expires_at ON admin_invites (expires_at);
CREATE INDEX ix_admin_sessions_expires_at ON admin_sessions (expires_at);
CREATE INDEX ix_admin_sessions_subject ON admin_sessions (tenant_id, subject_id);
CREATE INDEX ix_webhook_seen_age ON webhook_seen (tenant_id, source, received_at);
CREATE INDEX ix_alert_outbox_created_at ON alert_outbox (created_at);
CREATE INDEX ix_alert_outbox_next ON alert_outbox (state, next_at);
CREATE INDEX ix_silences_until ON silences (until);
CREATE INDEX ix_share_links_expires_at ON share_links (expires_at);
CREATE INDEX ix_share_links_tenant_id ON share_links (tenant_id);
CREATE INDEX ix_trust_policies_issuer ON trust_policies (issuer);
CREATE INDEX ix_subjects_email ON subjects (tenant_id, email, subject_id);
CREATE INDEX ix_workflow_runs_trace_id ON workflow_runs (trace_id);
CREATE INDEX ix_pending_plans_expires_at ON pending_plans (expires_at);
CREATE INDEX ix_pending_plans_owner ON pending_plans (tenant_id);
COMMIT;
