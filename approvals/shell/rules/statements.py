"""SQL statements by their first word, and functions with side effects."""

from collections.abc import Mapping

from approvals.shell.wordlist import words
from kernel.risk import Tier

NONE, MEDIUM, HIGH = Tier.NONE, Tier.MEDIUM, Tier.HIGH

LEADING: Mapping[str, tuple[Tier, str]] = {
    **dict.fromkeys(
        words(
            "SELECT SHOW EXPLAIN DESCRIBE DESC USE BEGIN START COMMIT END ROLLBACK SAVEPOINT RELEASE SET"
            " RESET TABLE VALUES"
            " FETCH CLOSE DECLARE HELP STATUS LISTEN UNLISTEN DISCARD ABORT FROM SUMMARIZE DEALLOCATE"
        ),
        (NONE, ""),
    ),
    **dict.fromkeys(words("INSERT REPLACE MERGE UPSERT"), (MEDIUM, "changes rows")),
    **dict.fromkeys(words("ALTER CREATE COMMENT RENAME"), (MEDIUM, "changes the schema")),
    **dict.fromkeys(
        words("VACUUM ANALYZE REINDEX CLUSTER REFRESH OPTIMIZE CHECKPOINT LOCK UNLOCK NOTIFY"),
        (MEDIUM, "works on tables"),
    ),
    **dict.fromkeys(
        words("ATTACH DETACH LOAD COPY IMPORT EXPORT INSTALL"), (MEDIUM, "reads or writes files")
    ),
    "DROP": (HIGH, "drops data or structure"),
    "TRUNCATE": (HIGH, "deletes every row"),
    **dict.fromkeys(words("GRANT REVOKE"), (HIGH, "changes rights")),
    **dict.fromkeys(words("DO CALL EXECUTE EXEC PREPARE HANDLER"), (HIGH, "runs code that is not seen")),
    **dict.fromkeys(words("KILL SHUTDOWN PURGE FLUSH CHANGE STOP"), (HIGH, "interferes with the server")),
}

CALLS: Mapping[str, tuple[Tier, str]] = {
    **dict.fromkeys(
        words(
            "load_extension xp_cmdshell sp_executesql sp_oacreate pg_read_file pg_read_binary_file"
            " pg_ls_dir lo_export lo_import"
            " dblink dblink_exec query_to_xml sys_exec sys_eval writefile readfile edit fts3_tokenizer load_file"
            " pg_reload_conf pg_rotate_logfile pg_promote pg_switch_wal pg_execute_server_program pg_file_write"
            " database_to_xml utl_http utl_file dbms_scheduler copy_from_program"
        ),
        (HIGH, "calls a function that reaches beyond the database"),
    ),
    **dict.fromkeys(
        words(
            "pg_terminate_backend pg_cancel_backend set_config setval pg_advisory_lock pg_notify nextval"
            " lo_unlink lo_create"
            " lo_put lo_from_bytea pg_drop_replication_slot pg_create_restore_point sleep pg_sleep benchmark"
        ),
        (MEDIUM, "calls a function with side effects"),
    ),
}

SAFE_PRAGMAS = words(
    "table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list"
    " foreign_key_check integrity_check"
    " quick_check database_list collation_list function_list pragma_list compile_options"
)
