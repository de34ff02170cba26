package postgres

import "strings"

// Setup returns the SQL that makes a database ready, to be run once, in that database, by a superuser: the rights of two
// roles that exist already, of which owner also owns the database. It can be run again.
//
// The owner may make databases: a restore and a drill put a copy into one of its own.
//
// What it takes away from everybody are the functions by which a role that only reads could still do something: locks that
// outlive a transaction, large objects, notifications, ending other connections, settings and a seed of random() that outlive it, texts that are run as SQL and that no plan shows,
// and the language of DO.
func Setup(database, owner, reader string) string {
	return strings.NewReplacer("DATABASE_", quoteName(database), "OWNER_", quoteName(owner), "READER_", quoteName(reader)).Replace(setup)
}

// riskyFunctions finds the functions that are taken from readers. It stands in Setup and in the check of it.
const riskyFunctions = `p.pronamespace = 'pg_catalog'::regnamespace AND
	(p.proname LIKE 'pg\_advisory%' OR p.proname LIKE 'pg\_try\_advisory%' OR p.proname LIKE 'lo\_%' OR p.proname IN
	('lowrite', 'loread', 'pg_notify', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_sleep', 'pg_sleep_for', 'pg_sleep_until', 'pg_logical_emit_message',
	'pg_export_snapshot', 'pg_current_xact_id', 'txid_current', 'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'cursor_to_xml', 'cursor_to_xmlschema',
	'ts_stat', 'ts_rewrite', 'set_config', 'setseed'))`

const setup = `REVOKE ALL ON DATABASE DATABASE_ FROM PUBLIC;
GRANT CONNECT ON DATABASE DATABASE_ TO OWNER_, READER_;
ALTER DATABASE DATABASE_ OWNER TO OWNER_;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO OWNER_;
GRANT USAGE ON SCHEMA public TO READER_;
DO $$ DECLARE f text; BEGIN
	FOR f IN SELECT p.oid::regprocedure::text FROM pg_proc p WHERE ` + riskyFunctions + `
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO OWNER_', f);
	END LOOP; END $$;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO OWNER_;
REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC;
ALTER ROLE OWNER_ NOSUPERUSER CREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE READER_ NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;
ALTER ROLE READER_ SET default_transaction_read_only = on;
ALTER DEFAULT PRIVILEGES FOR ROLE OWNER_ REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
`
