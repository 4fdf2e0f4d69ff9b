// Starts one Neo4j with its Bolt connector and nothing else:
//     java -cp 'lib/*' Neo4jServer.java FOLDER PORT [SETTINGS]
// SETTINGS is a file of further settings, in the form of neo4j.conf.
// Prints "ready" when it answers, and ends with its standard input, so that it never outlives who started it.

import java.nio.file.Path;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.connectors.HttpConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.io.ByteUnit;

public class Neo4jServer {
    public static void main(String[] arguments) throws Exception {
        SocketAddress address = new SocketAddress("127.0.0.1", Integer.parseInt(arguments[1]));
        DatabaseManagementServiceBuilder builder = new DatabaseManagementServiceBuilder(Path.of(arguments[0]));
        if (arguments.length > 2) {
            builder.loadPropertiesFromFile(Path.of(arguments[2]));
        }
        DatabaseManagementService service = builder
            .setConfig(GraphDatabaseSettings.pagecache_memory, ByteUnit.mebiBytes(64))
            .setConfig(GraphDatabaseSettings.preallocate_logical_logs, false)
            .setConfig(BoltConnector.enabled, true)
            .setConfig(BoltConnector.listen_address, address)
            .setConfig(BoltConnector.advertised_address, address)
            .setConfig(HttpConnector.enabled, false)
            .build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        System.out.println("ready");
        while (System.in.read() >= 0) { }
        System.exit(0);
    }
}
