BEGIN TRANSACTION;
CREATE TABLE call_days (
	day BIGINT NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	tool VARCHAR(64) NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	error_class VARCHAR(16) NOT NULL, 
	calls BIGINT NOT NULL, 
	sum_ms FLOAT NOT NULL, 
	max_ms FLOAT NOT NULL, 
	sum_upstream_ms FLOAT NOT NULL, 
	b0 BIGINT NOT NULL, 
	b1 BIGINT NOT NULL, 
	b2 BIGINT NOT NULL, 
	b3 BIGINT NOT NULL, 
	b4 BIGINT NOT NULL, 
	b5 BIGINT NOT NULL, 
	b6 BIGINT NOT NULL, 
	b7 BIGINT NOT NULL, 
	b8 BIGINT NOT NULL, 
	b9 BIGINT NOT NULL, 
	b10 BIGINT NOT NULL, 
	b11 BIGINT NOT NULL, 
	CONSTRAINT pk_call_days PRIMARY KEY (day, tenant, tool, code)
)
 WITHOUT ROWID

;
CREATE TABLE call_hours (
	hour BIGINT NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	tool VARCHAR(64) NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	error_class VARCHAR(16) NOT NULL, 
	calls BIGINT NOT NULL, 
	sum_ms FLOAT NOT NULL, 
	max_ms FLOAT NOT NULL, 
	sum_upstream_ms FLOAT NOT NULL, 
	b0 BIGINT NOT NULL, 
	b1 BIGINT NOT NULL, 
	b2 BIGINT NOT NULL, 
	b3 BIGINT NOT NULL, 
	b4 BIGINT NOT NULL, 
	b5 BIGINT NOT NULL, 
	b6 BIGINT NOT NULL, 
	b7 BIGINT NOT NULL, 
	b8 BIGINT NOT NULL, 
	b9 BIGINT NOT NULL, 
	b10 BIGINT NOT NULL, 
	b11 BIGINT NOT NULL, 
	CONSTRAINT pk_call_hours PRIMARY KEY (hour, tenant, tool, code)
)
 WITHOUT ROWID

;
CREATE TABLE call_records (
	seq INTEGER NOT NULL, 
	time BIGINT NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	client TEXT NOT NULL, 
	auth_method VARCHAR(32) NOT NULL, 
	tool TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	account TEXT NOT NULL, 
	step TEXT NOT NULL, 
	duration_ms FLOAT NOT NULL, 
	upstream_ms FLOAT, 
	upstream_status SMALLINT, 
	success BOOLEAN NOT NULL, 
	error_code VARCHAR(64), 
	error_class VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	trace_id VARCHAR(64) NOT NULL, 
	node TEXT NOT NULL, 
	CONSTRAINT pk_call_records PRIMARY KEY (seq)
);
CREATE TABLE decision_log (
	decision_id VARCHAR(32) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	client TEXT NOT NULL, 
	operation VARCHAR(200) NOT NULL, 
	decision VARCHAR(64) NOT NULL, 
	reason TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	last_trace_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_decision_log PRIMARY KEY (decision_id)
);
CREATE TABLE error_ledger (
	fingerprint VARCHAR(32) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	operation VARCHAR(200) NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	error_class VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	last_trace_id VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	changed_by TEXT NOT NULL, 
	CONSTRAINT pk_error_ledger PRIMARY KEY (fingerprint)
);
CREATE TABLE event_lines (
	seq INTEGER NOT NULL, 
	time BIGINT NOT NULL, 
	level VARCHAR(16) NOT NULL, 
	event TEXT NOT NULL, 
	logger TEXT NOT NULL, 
	trace_id VARCHAR(64) NOT NULL, 
	node TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	CONSTRAINT pk_event_lines PRIMARY KEY (seq)
);
CREATE TABLE history_facts (
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_history_facts PRIMARY KEY (name)
);
CREATE TABLE history_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT history_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "history_version" VALUES('0004');
CREATE TABLE operation_days (
	day BIGINT NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	operation VARCHAR(200) NOT NULL, 
	calls BIGINT NOT NULL, 
	failures BIGINT NOT NULL, 
	CONSTRAINT pk_operation_days PRIMARY KEY (day, tenant, operation)
)
 WITHOUT ROWID

;
CREATE TABLE sink_cursors (
	sink VARCHAR(64) NOT NULL, 
	stream VARCHAR(16) NOT NULL, 
	position BIGINT NOT NULL, 
	pending BIGINT NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	leased_until BIGINT NOT NULL, 
	sent_rows BIGINT NOT NULL, 
	lost_rows BIGINT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	behind_since BIGINT NOT NULL, 
	failures INTEGER NOT NULL, 
	failed_at BIGINT NOT NULL, 
	error TEXT NOT NULL, 
	next_try_at BIGINT NOT NULL, 
	CONSTRAINT pk_sink_cursors PRIMARY KEY (sink, stream)
);
CREATE TABLE token_hours (
	hour BIGINT NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	grant_type VARCHAR(64) NOT NULL, 
	outcome VARCHAR(64) NOT NULL, 
	requests BIGINT NOT NULL, 
	sum_ms FLOAT NOT NULL, 
	max_ms FLOAT NOT NULL, 
	b0 BIGINT NOT NULL, 
	b1 BIGINT NOT NULL, 
	b2 BIGINT NOT NULL, 
	b3 BIGINT NOT NULL, 
	b4 BIGINT NOT NULL, 
	b5 BIGINT NOT NULL, 
	b6 BIGINT NOT NULL, 
	b7 BIGINT NOT NULL, 
	b8 BIGINT NOT NULL, 
	b9 BIGINT NOT NULL, 
	b10 BIGINT NOT NULL, 
	b11 BIGINT NOT NULL, 
	CONSTRAINT pk_token_hours PRIMARY KEY (hour, tenant, grant_type, outcome)
)
 WITHOUT ROWID

;
CREATE INDEX ix_call_records_tenant_time ON call_records (tenant, time);
CREATE INDEX ix_call_records_trace_id ON call_records (trace_id);
CREATE INDEX ix_call_records_failures ON call_records (time) WHERE success = 0;
CREATE INDEX ix_error_ledger_last ON error_ledger (last_at);
CREATE INDEX ix_decision_log_last ON decision_log (last_at);
CREATE INDEX ix_decision_log_tenant ON decision_log (tenant, last_at);
CREATE INDEX ix_event_lines_trace_id ON event_lines (trace_id) WHERE trace_id <> '';
COMMIT;
